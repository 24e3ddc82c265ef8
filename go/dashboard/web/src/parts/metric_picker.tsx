import {
  type Definition,
  type EpisodeMetric,
  episodeMetrics,
  formatMetric,
  parseMetric,
  titleOf,
} from "../lib/episode_metrics";

interface Props {
  definitions: readonly Definition[];
  chosen: EpisodeMetric;
  label?: string;
  onChoose: (metric: EpisodeMetric) => void;
}

/** Chooses one of the numbers that each episode has. */
export function MetricPicker({ definitions, chosen, label = "Metric", onChoose }: Props) {
  const metrics = episodeMetrics(definitions);
  const value = formatMetric(chosen);
  const known = metrics.some((m) => formatMetric(m) === value);
  return (
    <label>
      {label}
      <select
        value={value}
        onChange={(event) => {
          const metric = parseMetric(event.currentTarget.value);
          if (metric) onChoose(metric);
        }}
      >
        {!known && <option value={value}>{titleOf(chosen)}</option>}
        {metrics.map((m) => (
          <option key={formatMetric(m)} value={formatMetric(m)}>
            {titleOf(m)}
          </option>
        ))}
      </select>
    </label>
  );
}
