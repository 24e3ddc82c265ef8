import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { useAnswer } from "../ask";
import { type Cell, type CellRange, type Limits, limitsOf } from "../lib/cells";
import { EVERYTHING, episodeSearch } from "../lib/episode_filter";
import {
  type Definition,
  type EpisodeMetric,
  episodeMetrics,
  formatMetric,
  lengthOf,
  parseMetric,
  returnOf,
  titleOf,
} from "../lib/episode_metrics";
import { formatAgo, formatCount, formatValue } from "../lib/format";
import { formatAttribute } from "../lib/format_attribute";
import { describeCell, environmentsOfRows } from "../lib/matrix";
import { hrefOf } from "../lib/route";
import { setParams, TEXT, useParam } from "../params";
import { AnswerState } from "../parts/answer_state";
import { Heatmap } from "../parts/heatmap";
import { MetricPicker } from "../parts/metric_picker";
import { SmallCurve } from "../parts/small_curve";
import { SortHeader } from "../parts/sort_header";
import { useWidth, useWindow } from "../parts/windowed";
import { useRunVersion } from "../run_version";
import { listMetrics, type RunName } from "../server";
import {
  CURVE_AXES,
  type CurveAxis,
  type EnvironmentRow,
  type EnvironmentSort,
  listEnvironmentAttributes,
  listEnvironmentRows,
  readEnvironmentCurves,
} from "../server/environments";
import { type EpisodeMatrix, readMatrix } from "../server/episodes";
import "../styles/environments.css";

/** How many environments a page of the table has. */
const PAGE = 50;
/** How many environments the server takes at once. */
const MOST_NAMED = 1000;

/** The environments of a run: all of their episodes at a glance, as a table, and as curves. */
export function EnvironmentsPage(name: RunName) {
  const version = useRunVersion(name);
  const asked = useAnswer(
    async (signal) => {
      const [definitions, attributes] = await Promise.all([
        listMetrics(name, signal),
        listEnvironmentAttributes(name, signal),
      ]);
      return { definitions, attributes };
    },
    [name.workspace, name.project, name.run, version.value],
  );
  return (
    <>
      <h1>Environments</h1>
      <AnswerState of={asked.value}>
        {({ definitions, attributes }) => (
          <Body
            name={name}
            version={version.value}
            definitions={definitions}
            attributes={attributes}
          />
        )}
      </AnswerState>
    </>
  );
}

interface BodyProps {
  name: RunName;
  version: number;
  definitions: Definition[];
  attributes: string[];
}

function Body({ name, version, definitions, attributes }: BodyProps) {
  const param = useParam("metric", TEXT);
  const metric = parseMetric(param.value) ?? returnOf(episodeMetrics(definitions));
  if (!metric) return <NoEpisodes />;
  const length = lengthOf(episodeMetrics(definitions));
  const shared = { name, version, metric };
  return (
    <>
      <div class="pickers">
        <MetricPicker
          definitions={definitions}
          chosen={metric}
          onChoose={(m) => setParams({ metric: formatMetric(m) })}
        />
      </div>
      <EpisodeHeatmap {...shared} />
      <EnvironmentTable {...shared} length={length} attributes={attributes} />
      <EnvironmentCurves {...shared} />
    </>
  );
}

function NoEpisodes() {
  return (
    <div class="note">
      <p>No environment of this run has logged episodes. From Python:</p>
      <pre>{`metrana.log_rl_environment_step("reward", rewards, rl_step=update, env_id=ids, episode=episodes)
metrana.log_rl_episode("return", returns, rl_step=update, env_id=ids, episode=episodes)`}</pre>
    </div>
  );
}

interface Shared {
  name: RunName;
  version: number;
  metric: EpisodeMetric;
}

/** A metric of every episode of every environment; a brushed part leads to its episodes. */
function EpisodeHeatmap({ name, version, metric }: Shared) {
  const answer = useAnswer(
    (signal) => readMatrix(name, metric, { rows: 256, columns: 512 }, signal),
    [version, formatMetric(metric)],
  );
  const brushed = useSignal<CellRange | null>(null);
  const all = useSignal(false);
  return (
    <section>
      <h2>{titleOf(metric)} of every episode</h2>
      <AnswerState of={answer.value}>
        {(matrix) => {
          const limits = limitsOf(matrix.means, all.value ? 0 : 0.01);
          if (!limits) return <p class="note">No episode has a finite {titleOf(metric)} yet.</p>;
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
                    checked={all.value}
                    onChange={(event) => {
                      all.value = event.currentTarget.checked;
                    }}
                  />
                  colours from the least to the greatest value, outliers too
                </label>
                <Chosen name={name} metric={metric} matrix={matrix} range={brushed.value} />
              </div>
            </>
          );
        }}
      </AnswerState>
    </section>
  );
}

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
  name,
  metric,
  matrix,
  range,
}: {
  name: RunName;
  metric: EpisodeMetric;
  matrix: EpisodeMatrix;
  range: CellRange | null;
}) {
  const names = useAnswer(
    async (signal) => {
      if (!range) return null;
      return environmentsOfRows(matrix, range, () => idsOf(name, metric, "", signal));
    },
    [range],
  );
  if (!range) {
    return (
      <span class="faint">
        Drag over the map to choose environments and episodes, double click to let them go.
      </span>
    );
  }
  const environments = names.value.value;
  if (names.value.failure !== null) return <span class="failed">{names.value.failure}</span>;
  if (!environments) return <span class="faint">Looking up the environments…</span>;
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
  const everything = environments.length === totalOf(matrix);
  const filter = { environments: everything ? [] : environments, episodes };
  return (
    <a
      class="chosen"
      href={`${hrefOf({ page: "episodes", ...name })}${episodeSearch(filter, formatMetric(metric))}`}
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

interface TableProps extends Shared {
  length: EpisodeMetric | null;
  attributes: string[];
}

/** The environments by page, filtered and sorted by the server. */
function EnvironmentTable({ name, version, metric, length, attributes }: TableProps) {
  const filter = useParam("filter", TEXT).value;
  const sorted = useParam("sort", TEXT).value || "environment";
  const offset = Number(useParam("from", TEXT).value) || 0;
  const descending = sorted.startsWith("-");
  const sort = (descending ? sorted.slice(1) : sorted) as EnvironmentSort;
  const answer = useAnswer(
    (signal) =>
      listEnvironmentRows(
        name,
        {
          metrics: length ? [metric, length] : [metric],
          filter,
          sort,
          descending,
          offset,
          limit: PAGE,
          attributes,
        },
        signal,
      ),
    [version, formatMetric(metric), filter, sorted, offset, attributes.join("\n")],
  );
  const headers: [string, EnvironmentSort, boolean][] = [
    ["Environment", "environment", false],
    ...attributes.map((path): [string, EnvironmentSort, boolean] => [path, `attr:${path}`, false]),
    ["Episodes", "episodes", true],
    [`Last ${titleOf(metric)}`, "metric", true],
    ["Length", "length", true],
    ["Restarts", "restarts", true],
    ["Last point", "last_time", true],
  ];
  return (
    <section>
      <h2>Table</h2>
      <FilterField filter={filter} attributes={attributes} />
      <AnswerState of={answer.value}>
        {({ rows, total }) => (
          <>
            <div class="scroll">
              <table>
                <thead>
                  <tr>
                    {headers.map(([title, column, numeric]) => (
                      <SortHeader
                        key={column}
                        title={title}
                        column={column}
                        sort={sort}
                        descending={descending}
                        numeric={numeric}
                        onSort={(by, down) =>
                          setParams({ sort: `${down ? "-" : ""}${by}`, from: "" })
                        }
                      />
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {rows.map((row) => (
                    <Row
                      key={row.id}
                      name={name}
                      metric={metric}
                      row={row}
                      attributes={attributes}
                    />
                  ))}
                </tbody>
              </table>
            </div>
            <Pager offset={offset} shown={rows.length} total={total} filtered={filter !== ""} />
          </>
        )}
      </AnswerState>
    </section>
  );
}

function FilterField({ filter, attributes }: { filter: string; attributes: string[] }) {
  const example = attributes[0] ?? "latest_episode";
  return (
    <form
      class="pickers"
      onSubmit={(event) => {
        event.preventDefault();
        const typed = new FormData(event.currentTarget).get("filter");
        setParams({ filter: String(typed ?? "").trim(), from: "" });
      }}
    >
      <label class="wide">
        Filter
        <input
          name="filter"
          type="search"
          defaultValue={filter}
          placeholder={`attr(${example}) EXISTS AND attr(latest_episode) >= 10`}
          spellcheck={false}
        />
      </label>
      <button type="submit">Apply</button>
    </form>
  );
}

function Row({
  name,
  metric,
  row,
  attributes,
}: {
  name: RunName;
  metric: EpisodeMetric;
  row: EnvironmentRow;
  attributes: string[];
}) {
  const search = episodeSearch({ environments: [row.id] }, formatMetric(metric));
  const [value, length] = row.metrics;
  return (
    <tr>
      <th scope="row">
        <a href={`${hrefOf({ page: "episodes", ...name })}${search}`}>{row.id}</a>
      </th>
      {attributes.map((path) => (
        <td key={path}>{formatAttribute(row.attributes.get(path))}</td>
      ))}
      <td class="number">{formatCount(row.episodes)}</td>
      <td class="number">{formatNumber(value)}</td>
      <td class="number">{row.length > 0 ? formatCount(row.length) : formatNumber(length)}</td>
      <td class="number">{row.restarts > 0 ? formatCount(row.restarts) : ""}</td>
      <td class="number">{formatAgo(new Date(row.lastTime), new Date())}</td>
    </tr>
  );
}

function formatNumber(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? "" : formatValue(value);
}

interface PagerProps {
  offset: number;
  shown: number;
  total: number;
  filtered: boolean;
}

function Pager({ offset, shown, total, filtered }: PagerProps) {
  const go = (from: number) => setParams({ from: from > 0 ? String(from) : "" });
  if (total === 0) {
    return (
      <p class="note">
        {filtered
          ? "No environment meets this condition: change the filter."
          : "No environment has episodes yet."}
      </p>
    );
  }
  return (
    <p class="pager">
      <span>
        {formatCount(offset + 1)} to {formatCount(offset + shown)} of {formatCount(total)}
      </span>
      <button type="button" disabled={offset === 0} onClick={() => go(offset - PAGE)}>
        Previous
      </button>
      <button type="button" disabled={offset + shown >= total} onClick={() => go(offset + PAGE)}>
        Next
      </button>
    </p>
  );
}

/** Height of a row of the grid of curves, and how wide a curve is at least. */
const CURVE_ROW = 132;
const CURVE_WIDTH = 230;
const CURVE_BUCKETS = 160;

/** A curve of each environment that passes the filter, on the same axes. */
function EnvironmentCurves({ name, version, metric }: Shared) {
  const filter = useParam("filter", TEXT).value;
  const chosen = useParam("axis", TEXT).value as CurveAxis;
  const axis: CurveAxis = chosen in CURVE_AXES ? chosen : "episode";
  const list = useAnswer(
    (signal) => idsOf(name, metric, filter, signal),
    [version, formatMetric(metric), filter],
  );
  return (
    <section>
      <h2>{metric.name} of each environment</h2>
      <div class="pickers">
        <label>
          Along
          <select value={axis} onChange={(event) => setParams({ axis: event.currentTarget.value })}>
            {Object.keys(CURVE_AXES).map((key) => (
              <option key={key}>{key}</option>
            ))}
          </select>
        </label>
        <span class="faint">
          All curves have the same axes; the band is from least to greatest.
        </span>
      </div>
      <AnswerState of={list.value}>
        {(ids) => <CurveGrid name={name} metric={metric} axis={axis} version={version} ids={ids} />}
      </AnswerState>
    </section>
  );
}

/** The ids of all environments that have a finite number. */
async function idsOf(
  name: RunName,
  metric: EpisodeMetric,
  filter: string,
  signal: AbortSignal,
): Promise<string[]> {
  const question = {
    metrics: [metric],
    filter,
    sort: "environment" as const,
    descending: false,
    limit: MOST_NAMED,
    attributes: [],
  };
  const ids: string[] = [];
  let offset = 0;
  for (;;) {
    const page = await listEnvironmentRows(name, { ...question, offset }, signal);
    offset += page.rows.length;
    ids.push(...page.rows.filter((r) => Number.isFinite(r.metrics[0])).map((r) => r.id));
    if (page.rows.length === 0 || offset >= page.total) return ids;
  }
}

interface GridProps extends Shared {
  axis: CurveAxis;
  ids: string[];
}

/** Draws and asks for the curves that are seen, a few rows at a time. */
function CurveGrid({ name, version, metric, axis, ids }: GridProps) {
  const box = useRef<HTMLDivElement>(null);
  const across = Math.max(1, Math.floor(useWidth(box) / CURVE_WIDTH));
  const rows = Math.ceil(ids.length / across);
  const { from, to } = useWindow(box, CURVE_ROW, rows);
  const shown = ids.slice(from * across, to * across);
  const whole = useAnswer(
    (signal) => readEnvironmentCurves(name, [], metric, axis, CURVE_BUCKETS, signal),
    [version, formatMetric(metric), axis],
  );
  const curves = useAnswer(
    (signal) =>
      shown.length === 0
        ? Promise.resolve(null)
        : readEnvironmentCurves(name, shown, metric, axis, CURVE_BUCKETS, signal),
    [version, formatMetric(metric), axis, shown.join("\n")],
  );
  const all = whole.value.value;
  const y = all && limitsOf(all.curves.flatMap((c) => [...c.minima, ...c.maxima]));
  const byId = new Map(curves.value.value?.curves.map((c) => [c.environment, c]));
  return (
    <div ref={box} class="curve-grid" style={{ height: `${rows * CURVE_ROW}px` }}>
      {curves.value.failure !== null && <p class="note failed">{curves.value.failure}</p>}
      {all && y && (
        <ul
          style={{
            transform: `translateY(${from * CURVE_ROW}px)`,
            gridTemplateColumns: `repeat(${across}, 1fr)`,
          }}
        >
          {shown.map((id) => {
            const curve = byId.get(id);
            const last = curve?.means.at(-1);
            return (
              <li key={id}>
                <a
                  href={`${hrefOf({ page: "episodes", ...name })}${episodeSearch({ environments: [id], episodes: EVERYTHING }, formatMetric(metric))}`}
                >
                  <span>{id}</span>
                  <span class="value">{last === undefined ? "" : formatValue(last)}</span>
                </a>
                <SmallCurve
                  curve={curve}
                  x={{ low: all.firstX, high: all.lastX }}
                  y={y}
                  label={`${metric.name} of ${id} along ${axis}`}
                />
              </li>
            );
          })}
        </ul>
      )}
      {all && y && (
        <p class="note curve-range">
          {axis} {formatCount(Math.round(all.firstX))} to {formatCount(Math.round(all.lastX))},{" "}
          {metric.name} {formatValue(y.low)} to {formatValue(y.high)}
        </p>
      )}
    </div>
  );
}
