import { useSignal } from "@preact/signals";
import { useAnswer } from "../ask";
import { type Cell, type CellRange, type Limits, limitsOf } from "../lib/cells";
import { episodeSearch } from "../lib/episode_filter";
import { type EpisodeMetric, formatMetric, titleOf } from "../lib/episode_metrics";
import { formatCount, formatValue } from "../lib/format";
import { describeCell, environmentsOfRows } from "../lib/matrix";
import { hrefOf } from "../lib/route";
import type { ShownRun } from "../server";
import { MOST_NAMED } from "../server/environments";
import { type EpisodeMatrix, readMatrix } from "../server/episodes";
import { AnswerState } from "./answer_state";
import type { EnvironmentsShown } from "./environments_shown";
import { Heatmap } from "./heatmap";

/** A metric of every episode of every environment; a brushed part leads to its episodes. */
export function EpisodeHeatmap(shown: EnvironmentsShown) {
  const { name, version, metric, filter, rows } = shown;
  const ids = filter === "" ? null : rows.map((row) => row.id);
  const answer = useAnswer(
    (signal) => filteredMatrix(name, metric, ids, signal),
    [formatMetric(metric), ids?.join("\n")],
    version,
  );
  return (
    <section>
      <h2>{titleOf(metric)} of every episode</h2>
      <AnswerState of={answer.value}>
        {(matrix) => (
          <BrushedMatrix key={`${formatMetric(metric)} ${filter}`} shown={shown} matrix={matrix} />
        )}
      </AnswerState>
    </section>
  );
}

/** The map with what is chosen on it. */
function BrushedMatrix({ shown, matrix }: { shown: EnvironmentsShown; matrix: EpisodeMatrix }) {
  const { metric, filter } = shown;
  const brushed = useSignal<CellRange | null>(null);
  const outliers = useSignal(false);
  const limits = limitsOf(matrix.means, outliers.value ? 0 : 0.01);
  if (!limits) {
    const which = filter === "" ? "" : " of an environment that meets the filter";
    return (
      <p class="note">
        No episode{which} has a finite {titleOf(metric)} yet.
      </p>
    );
  }
  return (
    <>
      <MatrixMap
        matrix={matrix}
        metric={metric}
        limits={limits}
        onBrush={(range) => {
          brushed.value = range;
        }}
      />
      <div class="pickers">
        <label>
          <input
            type="checkbox"
            checked={outliers.value}
            onChange={(event) => {
              outliers.value = event.currentTarget.checked;
            }}
          />
          colours from the least to the greatest value, outliers too
        </label>
        <Chosen shown={shown} matrix={matrix} range={brushed.value} />
      </div>
    </>
  );
}

/** The matrix of some environments; of all without a list. */
async function filteredMatrix(
  name: ShownRun,
  metric: EpisodeMetric,
  ids: string[] | null,
  signal: AbortSignal,
): Promise<EpisodeMatrix> {
  if (ids?.length === 0) return NOTHING;
  if (ids && ids.length > MOST_NAMED) {
    throw new Error(
      `the map can show ${MOST_NAMED} environments chosen by a filter, not ${ids.length}: narrow the filter, or clear it to see all`,
    );
  }
  return readMatrix(name, metric, ids ?? [], { rows: 256, columns: 512 }, signal);
}

const NOTHING: EpisodeMatrix = {
  environments: [],
  environmentCounts: new Float64Array(),
  firstEpisodes: new Float64Array(),
  lastEpisode: 0,
  means: new Float64Array(),
  minima: new Float64Array(),
  maxima: new Float64Array(),
};

interface MatrixMapProps {
  matrix: EpisodeMatrix;
  metric: EpisodeMetric;
  limits: Limits;
  onBrush: (range: CellRange | null) => void;
}

function MatrixMap({ matrix, metric, limits, onBrush }: MatrixMapProps) {
  const columns = matrix.firstEpisodes.length;
  const rows = matrix.environments.length;
  return (
    <Heatmap
      rows={rows}
      columns={columns}
      values={matrix.means}
      limits={limits}
      rowLabel={(row) => matrix.environments[row] ?? ""}
      columnLabel={(column) => formatCount(matrix.firstEpisodes[column] ?? 0)}
      xTitle="episode"
      yTitle="environment"
      title={`${titleOf(metric)} by environment and episode`}
      legend={[formatValue(limits.low), formatValue(limits.high)]}
      describe={(cell: Cell) => describeCell(matrix, cell, titleOf(metric))}
      onBrush={onBrush}
    />
  );
}

/** What the brush holds, and the way to its episodes. */
function Chosen({
  shown: { name, metric, filter: condition, rows },
  matrix,
  range,
}: {
  shown: EnvironmentsShown;
  matrix: EpisodeMatrix;
  range: CellRange | null;
}) {
  if (!range) {
    return (
      <span class="faint">
        Drag over the map to choose environments and episodes, double click to let them go.
      </span>
    );
  }
  const environments = environmentsOfRows(
    matrix,
    range,
    rows.map((row) => row.id),
  );
  if (environments.length > MOST_NAMED) {
    return (
      <span class="failed">
        {formatCount(environments.length)} environments are more than the {formatCount(MOST_NAMED)}{" "}
        that can be listed: choose fewer.
      </span>
    );
  }
  const from = matrix.firstEpisodes[range.firstColumn] ?? 0;
  const next = matrix.firstEpisodes[range.lastColumn + 1];
  const episodes = { from, to: next === undefined ? matrix.lastEpisode : next - 1 };
  const everything = condition === "" && environments.length === totalOf(matrix);
  const filter = { environments: everything ? [] : environments, episodes };
  return (
    <a
      class="chosen"
      href={`${hrefOf({ ...name, page: "episodes" })}${episodeSearch(filter, formatMetric(metric), name.inherited)}`}
    >
      Episodes {formatCount(episodes.from)} to {formatCount(episodes.to)} of{" "}
      {environments.length === 1
        ? environments[0]
        : `${formatCount(environments.length)} environments`}
    </a>
  );
}

function totalOf(matrix: EpisodeMatrix): number {
  return matrix.environmentCounts.reduce((sum, n) => sum + n, 0);
}
