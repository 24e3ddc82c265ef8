import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { AXES, type AxisName, axisTitle, parseAxis } from "../lib/axis";
import { isMetricAxis, metricAxis, metricTitle, type NamedMetric } from "../lib/metric_axis";

interface Props {
  axis: AxisName;
  metrics: readonly NamedMetric[];
  onChange: (axis: AxisName) => void;
}

/** The choice that asks which metric. */
const OTHER = "another metric";

/** How many metrics a list offers; others are typed. */
const MOST_OFFERED = 500;

/** What charts go along: steps, times and the like, or the values of a metric. */
export function AxisField({ axis, metrics, onChange }: Props) {
  const choosing = useSignal(false);
  const choose = (text: string) => {
    choosing.value = text === OTHER;
    if (text !== OTHER) onChange(parseAxis(text));
  };
  return (
    <>
      <label>
        Along
        <select
          value={choosing.value ? OTHER : axis}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          {AXES.map((name) => (
            <option key={name} value={name}>
              {axisTitle(name)}
            </option>
          ))}
          {isMetricAxis(axis) && <option value={axis}>{axisTitle(axis)}</option>}
          {metrics.length > 0 && <option value={OTHER}>another metric…</option>}
        </select>
      </label>
      {choosing.value && (
        <MetricField
          metrics={metrics}
          onChoose={(metric) => {
            choosing.value = false;
            onChange(metricAxis(metric));
          }}
        />
      )}
    </>
  );
}

interface MetricFieldProps {
  metrics: readonly NamedMetric[];
  onChoose: (metric: NamedMetric) => void;
}

/** A metric, found as its name is typed. */
function MetricField({ metrics, onChoose }: MetricFieldProps) {
  const list = useId();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const unknown = useSignal(false);
  const typed = (text: string, done: boolean) => {
    const metric = metrics.find((m) => metricTitle(m) === text.trim());
    unknown.value = done && !metric;
    if (metric) onChoose(metric);
  };
  return (
    <label>
      <span class="hidden">Metric that charts go along</span>
      <input
        ref={field}
        type="search"
        list={list}
        placeholder="its name"
        aria-invalid={unknown.value}
        onInput={(event) =>
          event.inputType !== "insertText" && typed(event.currentTarget.value, false)
        }
        onChange={(event) => typed(event.currentTarget.value, true)}
      />
      <datalist id={list}>
        {metrics.slice(0, MOST_OFFERED).map((m) => (
          <option key={metricAxis(m)}>{metricTitle(m)}</option>
        ))}
      </datalist>
      {unknown.value && <span class="failed">No metric is called so.</span>}
    </label>
  );
}
