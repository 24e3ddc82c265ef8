import { useAnswer } from "../ask";
import { episodeSearch } from "../lib/episode_filter";
import { type EpisodeMetric, formatMetric, titleOf } from "../lib/episode_metrics";
import { formatAgo, formatCount, formatValue } from "../lib/format";
import { formatAttribute } from "../lib/format_attribute";
import { hrefOf } from "../lib/route";
import { setParams, TEXT, useParam } from "../params";
import type { ShownRun } from "../server";
import {
  type EnvironmentRow,
  type EnvironmentSort,
  listEnvironmentRows,
} from "../server/environments";
import { AnswerState } from "./answer_state";
import type { EnvironmentsShown } from "./environments_shown";
import { SortHeader } from "./sort_header";

/** How many environments a page of the table has. */
const PAGE = 50;
interface TableProps extends EnvironmentsShown {
  length: EpisodeMetric | null;
  attributes: string[];
}

/** The environments by page, filtered and sorted by the server. */
export function EnvironmentTable({
  name,
  version,
  metric,
  length,
  filter,
  attributes,
}: TableProps) {
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
    [formatMetric(metric), filter, sorted, offset, attributes.join("\n")],
    version,
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

function Row({
  name,
  metric,
  row,
  attributes,
}: {
  name: ShownRun;
  metric: EpisodeMetric;
  row: EnvironmentRow;
  attributes: string[];
}) {
  const search = episodeSearch({ environments: [row.id] }, formatMetric(metric), name.inherited);
  const [value, length] = row.metrics;
  return (
    <tr>
      <th scope="row">
        <a href={`${hrefOf({ ...name, page: "episodes" })}${search}`}>{row.id}</a>
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
  return value === undefined ? "" : formatValue(value);
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
