import { type Signal, useComputed, useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { alignCurves, valueBefore } from "../lib/align";
import { colourOf } from "../lib/colour";
import type { EpisodeEvent } from "../lib/episode_events";
import { formatValue } from "../lib/format";
import type { Curve } from "../server/environments";
import { type BandLine, BandPlot } from "./band_plot";
import { useNear } from "./near";
import { StepTable } from "./step_table";
import { TableSwitch } from "./table_switch";

/** The curves of a metric in one episode. */
export interface EpisodeCurves {
  episode: number;
  curves: Curve[];
}

interface Props {
  metric: string;
  /** The episode that the page shows first, then those it is compared with. */
  episodes: EpisodeCurves[];
  /** What happened in the episode that is shown first. */
  events: readonly EpisodeEvent[];
  playhead: Signal<number | null>;
}

/** Of a plot, in pixels; the stylesheet has it, too, for those that are not drawn. */
const HEIGHT = 170;

/** One metric at each env step, of an episode and of those it is compared with. */
export function EpisodeChart({ metric, episodes, events, playhead }: Props) {
  const cursor = useSignal<number | null>(null);
  const asTable = useSignal(false);
  const body = useRef<HTMLDivElement>(null);
  const near = useNear(body);
  const { xs, lines } = useMemo(() => drawn(episodes), [episodes]);
  const at = useComputed(() => {
    const hovered = cursor.value;
    return hovered === null ? playhead.value : (xs[hovered] ?? null);
  });
  const label = `${metric} at each env step`;
  const points = lines.reduce((n, l) => n + l.values.filter((v) => v !== null).length, 0);
  return (
    <figure class="chart" data-metric={metric} data-points={points}>
      <figcaption>
        <strong>{metric}</strong>
        <span class="faint">env step {at.value ?? ""}</span>
        <TableSwitch of={metric} on={asTable} />
      </figcaption>
      <div class="step-plot" ref={body}>
        {asTable.value && <StepTable label={label} xs={xs} lines={lines} />}
        {near && !asTable.value && (
          <BandPlot
            xs={xs}
            lines={lines}
            syncKey="episode"
            playhead={playhead}
            events={events}
            onCursor={(place) => {
              cursor.value = place;
            }}
            onPick={(x) => {
              playhead.value = Math.max(0, Math.round(x));
            }}
            height={HEIGHT}
            label={label}
          />
        )}
      </div>
      <ul class="legend">
        {lines.map((line) => (
          <li key={line.label}>
            <span class="swatch" style={{ background: line.colour }} />
            <span>{line.label}</span>
            <span class="value">{valueText(xs, line, at.value)}</span>
            {(line.marks?.length ?? 0) > 0 && (
              <span class="failed">{line.marks?.length} not finite</span>
            )}
          </li>
        ))}
      </ul>
    </figure>
  );
}

function drawn(episodes: EpisodeCurves[]): { xs: number[]; lines: BandLine[] } {
  const all = episodes.flatMap(({ episode, curves }, place) =>
    curves.map((curve, k) => ({ episode, curve, place, k })),
  );
  const { xs, columns } = alignCurves(all.map(({ curve }) => curve));
  const lines = all.map(({ episode, curve, place, k }, i) => {
    const column = columns[i] ?? { values: [], low: [], high: [] };
    const binned = column.low.some((v, n) => v !== column.high[n]);
    return {
      label: [`episode ${episode}`, curve.label].filter((part) => part !== "").join(", "),
      colour: colourOf(place + episodes.length * k),
      values: column.values,
      marks: curve.notFinite,
      ...(binned ? { band: { low: column.low, high: column.high } } : {}),
    };
  });
  return { xs, lines };
}

function valueText(xs: number[], { values, marks }: BandLine, at: number | null): string {
  if (at !== null && Array.from(marks ?? []).includes(at)) return "not finite";
  const value = at === null ? values.findLast((v) => v !== null) : valueBefore(xs, values, at);
  return value === null || value === undefined ? "" : formatValue(value);
}
