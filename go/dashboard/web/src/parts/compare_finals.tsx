import { useMemo } from "preact/hooks";
import { withGaps } from "../lib/columns";
import { formatCount, formatValue } from "../lib/format";
import {
  BOOTSTRAP,
  bootstrap,
  ESTIMATES,
  ESTIMATOR_TITLES,
  estimateWithInterval,
  FINAL_PART,
  firstReached,
  performanceProfile,
  probabilityOfImprovement,
  thresholdsOf,
} from "../lib/statistics";
import { intervalText } from "../lib/statistics_export";
import { setParams } from "../params";
import type { GroupCurves, Statistics, StatisticsQuestion } from "../server/statistics";
import { BandPlot } from "./band_plot";
import { groupColours, type Metric } from "./comparison";

const PROFILE_POINTS = 101;

/** The final scores of a group. */
export interface Final {
  name: string;
  scores: number[];
}

interface FinalProps {
  metric: Metric;
  question: StatisticsQuestion;
  statistics: Statistics;
  finals: Final[];
  threshold: number;
}

/** What groups come to in the end, and how soon they reach a threshold. */
export function FinalTable({ metric, question, statistics, finals, threshold }: FinalProps) {
  const { grid, groups } = statistics;
  const colourOf = groupColours(groups);
  const rows = useMemo(
    () => finals.map((f) => estimateWithInterval(f.scores, ESTIMATES[question.estimator])),
    [statistics, question.estimator],
  );
  return (
    <section>
      <h2>Final performance and sample efficiency</h2>
      <div class="pickers">
        <label>
          Threshold
          <input
            type="number"
            step="any"
            value={Number.isNaN(threshold) ? "" : threshold}
            onChange={(event) => setParams({ threshold: event.currentTarget.value })}
          />
        </label>
      </div>
      <div class="scroll">
        <table class="finals">
          <thead>
            <tr>
              <th scope="col">Group</th>
              <th scope="col" class="number">
                Samples
              </th>
              <th scope="col" class="number">
                Final {metric.metricName}
              </th>
              <th scope="col" class="number">
                Least to greatest
              </th>
              <th scope="col" class="number">
                {question.axis} to {formatValue(threshold)}
              </th>
              <th scope="col" class="number">
                Samples that reach it
              </th>
            </tr>
          </thead>
          <tbody>
            {groups.map((group, place) => (
              <tr key={group.name}>
                <th scope="row">
                  <span class="swatch" style={{ background: colourOf(group.name) }} /> {group.name}
                </th>
                <td class="number">{formatCount(group.samples.length)}</td>
                <td class="number">{rows[place] && intervalText(rows[place])}</td>
                <td class="number">{rangeText(finals[place]?.scores ?? [])}</td>
                <td class="number">{reachedText(firstReached(grid, group.values, threshold))}</td>
                <td class="number">{reachedCount(grid, group, threshold)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="method">
        Final: the {ESTIMATOR_TITLES[question.estimator]} of samples, each the mean over the last{" "}
        {100 * FINAL_PART} % of its own curve, with a bootstrap {100 * BOOTSTRAP.confidence} %
        interval (percentile method, {formatCount(BOOTSTRAP.resamples)} resamples). The threshold is
        where the group's line first reaches it.
      </p>
    </section>
  );
}

function rangeText(scores: number[]): string {
  if (scores.length === 0) return "";
  const text = (v: number) => formatValue(Number(v.toPrecision(4)));
  return `${text(Math.min(...scores))} to ${text(Math.max(...scores))}`;
}

function reachedText(x: number): string {
  return Number.isNaN(x) ? "not reached" : formatCount(Math.round(x));
}

function reachedCount(grid: Float64Array, group: GroupCurves, threshold: number): string {
  const reached = group.samples.filter(
    (s) => !Number.isNaN(firstReached(grid, s.values, threshold)),
  );
  return `${formatCount(reached.length)} of ${formatCount(group.samples.length)}`;
}

/** Which part of the samples end above each score. */
export function Profile({ finals, metric }: { finals: Final[]; metric: Metric }) {
  const { xs, lines } = useMemo(() => {
    const colourOf = groupColours(finals);
    const thresholds = thresholdsOf(
      finals.map((f) => f.scores),
      PROFILE_POINTS,
    );
    return {
      xs: thresholds,
      lines: finals.map((f) => ({
        label: f.name,
        colour: colourOf(f.name),
        values: withGaps(performanceProfile(f.scores, thresholds)),
      })),
    };
  }, [finals.map((f) => f.scores.join()).join("\n")]);
  return (
    <figure class="chart">
      <figcaption>
        <strong>Performance profile</strong>
        <span class="faint">part of the samples whose final {metric.metricName} is above x</span>
      </figcaption>
      <BandPlot xs={xs} lines={lines} height={240} label="Performance profile" />
    </figure>
  );
}

/** How likely a sample of one group ends above one of another. */
export function Improvement({ finals }: { finals: Final[] }) {
  const rows = useMemo(
    () => finals.map((ours) => improvementRow(ours, finals)),
    [finals.map((f) => f.scores.join()).join("\n")],
  );
  if (finals.length < 2) {
    return (
      <section>
        <h2>Probability of improvement</h2>
        <p class="note">It takes two groups: choose another way to group.</p>
      </section>
    );
  }
  return (
    <section>
      <h2>Probability of improvement</h2>
      <div class="scroll">
        <table class="improvement">
          <thead>
            <tr>
              <th scope="col">The row is above</th>
              {finals.map((f) => (
                <th key={f.name} scope="col" class="number">
                  {f.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {finals.map((ours, row) => (
              <tr key={ours.name}>
                <th scope="row">{ours.name}</th>
                {finals.map((theirs, column) => (
                  <td key={theirs.name} class="number">
                    {rows[row]?.[column]}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="method">
        P(X &gt; Y) over all pairs of final scores, equal ones half, with a bootstrap{" "}
        {100 * BOOTSTRAP.confidence} % interval.
      </p>
    </section>
  );
}

/** Pairs beyond this are too many to draw again two thousand times. */
const MOST_PAIRS = 10_000;

function improvementRow(ours: Final, all: Final[]): string[] {
  return all.map((theirs) => {
    const pairsOf = ours.scores.length * theirs.scores.length;
    if (ours === theirs || pairsOf === 0) return "";
    const value = probabilityOfImprovement(ours.scores, theirs.scores);
    const interval =
      pairsOf > MOST_PAIRS
        ? { low: Number.NaN, high: Number.NaN }
        : bootstrap([ours.scores, theirs.scores], ([a, b]) =>
            probabilityOfImprovement(a ?? [], b ?? []),
          );
    return intervalText({ value, ...interval });
  });
}
