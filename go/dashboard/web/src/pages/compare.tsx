import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { useAnswer } from "../ask";
import { colourOf } from "../lib/colour";
import { withGaps } from "../lib/columns";
import { formatNames, parseNames } from "../lib/episode_filter";
import { formatCount, formatValue } from "../lib/format";
import {
  formatGrouping,
  type GroupedRun,
  type Grouping,
  groupingPaths,
  groupRuns,
  parseGrouping,
  type RunGroup,
  regroup,
} from "../lib/groups";
import { queryFor, RL_SCALES } from "../lib/sections";
import {
  BOOTSTRAP,
  bootstrap,
  ESTIMATES,
  ESTIMATOR_TITLES,
  ESTIMATORS,
  type EstimatorName,
  estimateWithInterval,
  FINAL_PART,
  finalScores,
  firstReached,
  performanceProfile,
  probabilityOfImprovement,
  thresholdsOf,
  usualThreshold,
} from "../lib/statistics";
import { intervalText, statisticsCsv, statisticsPython } from "../lib/statistics_export";
import { type Codec, setParams, TEXT, useParam } from "../params";
import { AnswerState } from "../parts/answer_state";
import { type BandLine, BandPlot } from "../parts/band_plot";
import {
  BANDS,
  type Band,
  type GroupCurves,
  listComparedMetrics,
  listComparedRuns,
  NORMALISATIONS,
  type NormalisationName,
  PERCENTILES,
  type ProjectName,
  readStatistics,
  type SampleCurve,
  type Statistics,
  type StatisticsAxis,
  type StatisticsQuestion,
  statisticsJson,
} from "../server/statistics";
import "../styles/compare.css";

const NAMES: Codec<string[]> = { parse: parseNames, format: formatNames };

/** How many pale curves of single samples a group has at most. */
const MOST_FAINT = 40;
const GRID_POINTS = 100;
/** Fewer where there are more samples, so that an answer takes no more than moments. */
const RESAMPLES = { run: 1000, environment: 200 };
const PROFILE_POINTS = 101;

const BAND_TITLES: Record<Band, string> = {
  ci: "bootstrap 95 % interval",
  std: "± standard deviation",
  sem: "± standard error",
  percentiles: `${PERCENTILES[0]}th to ${PERCENTILES[1]}th percentile`,
  range: "least to greatest",
  none: "no band",
};

const NORMALISATION_TITLES: Record<NormalisationName, string> = {
  none: "as logged",
  all: "least to greatest of all",
  environment: "least to greatest of each environment",
};

/** Runs in groups, each group's estimate with what is known of its error. */
export function ComparePage({ workspace, project }: ProjectName) {
  const of = { workspace, project };
  const names = useParam("runs", NAMES).value;
  const asked = useAnswer(
    async (signal) => {
      const runs = await listComparedRuns(of, names, signal);
      const metrics = await listComparedMetrics(
        of,
        runs.map((r) => r.name),
        signal,
      );
      return { runs, metrics };
    },
    [workspace, project, names.join("\n")],
  );
  return (
    <>
      <h1>Compare runs of {project}</h1>
      <AnswerState of={asked.value}>
        {({ runs, metrics }) =>
          runs.length === 0 ? (
            <p class="note">
              {names.length > 0
                ? `None of ${names.join(", ")} is a run of ${project}.`
                : "This project has no runs yet."}
            </p>
          ) : (
            <Body of={of} runs={runs} metrics={metrics} />
          )
        }
      </AnswerState>
    </>
  );
}

interface Metric {
  metricName: string;
  scale: string;
}

interface BodyProps {
  of: ProjectName;
  runs: GroupedRun[];
  metrics: Metric[];
}

const keyOf = (m: Metric) => `${m.scale} ${m.metricName}`;

/** What is looked at first: a return of episodes, or else the first metric. */
function usualMetric(metrics: Metric[]): Metric | undefined {
  const named = metrics.filter((m) => /return|reward|score/i.test(m.metricName));
  return named.find((m) => m.scale === "EPISODE") ?? named[0] ?? metrics[0];
}

/** The axes that points of a scale have, the usual one first. */
function axesOf(metric: Metric): StatisticsAxis[] {
  return RL_SCALES.includes(metric.scale)
    ? ["env steps", "update", "episode", "seconds since the start"]
    : ["step", "seconds since the start"];
}

function useChoice<T extends string>(name: string, choices: readonly T[]): T {
  const text = useParam(name, TEXT).value;
  return choices.find((c) => c === text) ?? (choices[0] as T);
}

function Body({ of, runs, metrics }: BodyProps) {
  const chosen = useParam("metric", TEXT).value;
  const metric = metrics.find((m) => keyOf(m) === chosen) ?? usualMetric(metrics);
  if (!metric) {
    return <p class="note">None of these runs has points yet: there is nothing to compare.</p>;
  }
  return <Comparison of={of} runs={runs} metrics={metrics} metric={metric} />;
}

function Comparison({ of, runs, metrics, metric }: BodyProps & { metric: Metric }) {
  const paths = useMemo(() => groupingPaths(runs), [runs]);
  const usual: Grouping = paths[0] ? { by: "attribute", path: paths[0] } : { by: "run" };
  const grouping = parseGrouping(useParam("group", TEXT).value) ?? usual;
  const isRl = RL_SCALES.includes(metric.scale);
  const axis = useChoice("axis", axesOf(metric));
  const unit = useChoice("samples", isRl ? ["run", "environment"] : ["run"]);
  const estimator = useChoice<EstimatorName>("estimator", ESTIMATORS);
  const band = useChoice<Band>("band", BANDS);
  const scales = NORMALISATIONS.filter((n) => n !== "environment" || unit === "environment");
  const normalisation = useChoice<NormalisationName>("normalise", scales);
  const groups = groupRuns(runs, grouping);
  const question: StatisticsQuestion = {
    groups,
    seriesQuery: queryFor(metric),
    axis,
    unit: unit as "run" | "environment",
    estimator,
    band,
    normalisation,
    gridPoints: GRID_POINTS,
    resamples: RESAMPLES[unit as "run" | "environment"],
  };
  const answer = useAnswer(
    (signal) => readStatistics(of, question, signal),
    [JSON.stringify(question)],
  );
  return (
    <>
      <div class="pickers">
        <Choice
          label="Metric"
          param="metric"
          value={keyOf(metric)}
          options={metrics.map((m) => [keyOf(m), titleOf(m, metrics)])}
        />
        <Choice
          label="Groups by"
          param="group"
          value={formatGrouping(grouping)}
          options={groupingOptions(paths, grouping, groups)}
        />
        <Choice label="Along" param="axis" value={axis} options={pairs(axesOf(metric))} />
        {isRl && (
          <Choice
            label="A sample is"
            param="samples"
            value={unit}
            options={[
              ["run", "a run"],
              ["environment", "an environment of a run"],
            ]}
          />
        )}
        <Choice
          label="Estimate"
          param="estimator"
          value={estimator}
          options={ESTIMATORS.map((e) => [e, ESTIMATOR_TITLES[e]])}
        />
        <Choice
          label="Band"
          param="band"
          value={band}
          options={BANDS.map((b) => [b, BAND_TITLES[b]])}
        />
        <Choice
          label="Scale"
          param="normalise"
          value={normalisation}
          options={scales.map((n) => [n, NORMALISATION_TITLES[n]])}
        />
      </div>
      <HandGroups runs={runs} groups={groups} grouping={grouping} />
      {groups.length === 0 ? (
        <p class="note">No run has what groups are made by: choose another way to group.</p>
      ) : (
        <AnswerState of={answer.value}>
          {(statistics) => (
            <Figures of={of} metric={metric} question={question} statistics={statistics} />
          )}
        </AnswerState>
      )}
    </>
  );
}

function titleOf(metric: Metric, all: Metric[]): string {
  const several = all.filter((m) => m.metricName === metric.metricName).length > 1;
  return several
    ? `${metric.metricName} (${metric.scale.toLowerCase().replaceAll("_", " ")})`
    : metric.metricName;
}

const pairs = (names: readonly string[]) => names.map((n): [string, string] => [n, n]);

function groupingOptions(
  paths: string[],
  grouping: Grouping,
  groups: RunGroup[],
): [string, string][] {
  const byHand: Grouping = grouping.by === "hand" ? grouping : { by: "hand", groups };
  const known = new Set(paths);
  const other =
    grouping.by === "attribute" && !known.has(grouping.path) ? pairs([grouping.path]) : [];
  return [
    ...other,
    ...pairs(paths),
    [":tag", "tags"],
    [":run", "each run by itself"],
    [":all", "all runs together"],
    [formatGrouping(byHand), "by hand"],
  ];
}

interface ChoiceProps {
  label: string;
  param: string;
  value: string;
  options: [string, string][];
}

/** A choice that the address keeps. */
function Choice({ label, param, value, options }: ChoiceProps) {
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => setParams({ [param]: event.currentTarget.value })}>
        {options.map(([key, title]) => (
          <option key={key} value={key}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Which run is in which group, to be changed by typing. */
function HandGroups({
  runs,
  groups,
  grouping,
}: {
  runs: GroupedRun[];
  groups: RunGroup[];
  grouping: Grouping;
}) {
  const total = groups.reduce((n, g) => n + g.runs.length, 0);
  return (
    <details class="hand" open={grouping.by === "hand"}>
      <summary>
        {groups.length} {groups.length === 1 ? "group" : "groups"} of {formatCount(total)} runs
      </summary>
      <div class="hand-runs">
        {runs.map((run) => (
          <label key={run.name}>
            <span>{run.name}</span>
            <input
              value={groups.find((g) => g.runs.includes(run.name))?.name ?? ""}
              placeholder="in no group"
              aria-label={`Group of ${run.name}`}
              onChange={(event) => {
                const name = event.currentTarget.value.trim();
                const changed = regroup(groups, run.name, name);
                setParams({ group: formatGrouping({ by: "hand", groups: changed }) });
              }}
            />
          </label>
        ))}
      </div>
    </details>
  );
}

interface FiguresProps {
  of: ProjectName;
  metric: Metric;
  question: StatisticsQuestion;
  statistics: Statistics;
}

function Figures({ of, metric, question, statistics }: FiguresProps) {
  const typed = useParam("threshold", TEXT).value;
  const { grid, groups } = statistics;
  if (grid.length === 0) {
    return (
      <p class="note">
        None of these runs has points of {metric.metricName} along {question.axis}: choose another
        metric or axis.
      </p>
    );
  }
  const usual = usualThreshold(groups.map((g) => g.values));
  const threshold = typed !== "" && Number.isFinite(Number(typed)) ? Number(typed) : usual;
  const finals = groups.map((g) => ({
    name: g.name,
    scores: finalScores(
      grid,
      g.samples.map((s) => s.values),
    ),
  }));
  return (
    <>
      <LearningCurves {...{ of, metric, question, statistics, threshold }} />
      <FinalTable {...{ metric, question, statistics, finals, threshold }} />
      <div class="spread">
        <Profile finals={finals} metric={metric} />
        <Improvement finals={finals} />
      </div>
    </>
  );
}

/** Each group's estimate with its band, over the samples that it sums up. */
function LearningCurves({
  of,
  metric,
  question,
  statistics,
  threshold,
}: FiguresProps & { threshold: number }) {
  const cursor = useSignal<number | null>(null);
  const { grid, groups } = statistics;
  const lines = useMemo(() => curveLines(groups), [groups]);
  return (
    <figure class="chart compare" data-groups={groups.length}>
      <figcaption>
        <strong>{metric.metricName}</strong>
        <span class="faint">along {question.axis}</span>
        <Export of={of} question={question} statistics={statistics} />
      </figcaption>
      <BandPlot
        xs={grid}
        lines={lines}
        height={380}
        threshold={threshold}
        onCursor={(at) => {
          cursor.value = at;
        }}
        label={`${metric.metricName} of ${groups.map((g) => g.name).join(", ")} along ${question.axis}`}
      />
      <ul class="legend">
        {groups.map((group, place) => (
          <li key={group.name}>
            <span class="swatch" style={{ background: colourOf(place) }} />
            <span>{group.name}</span>
            <span class="value">{textAt(group, cursor.value)}</span>
            <span class="faint">n = {countAt(group, cursor.value)}</span>
          </li>
        ))}
        {cursor.value !== null && (
          <li class="faint">
            at {question.axis} {formatValue(grid[cursor.value] ?? 0)}
          </li>
        )}
      </ul>
      <p class="method">{methodText(question, statistics)}</p>
    </figure>
  );
}

function curveLines(groups: GroupCurves[]): BandLine[] {
  const faint = groups.flatMap((group, place) =>
    group.samples.slice(0, MOST_FAINT).map((sample) => ({
      label: `${group.name} ${sampleName(sample)}`,
      colour: colourOf(place),
      values: withGaps(sample.values),
      faint: true,
    })),
  );
  const estimates = groups.map((group, place) => ({
    label: group.name,
    colour: colourOf(place),
    values: withGaps(group.values),
    ...(group.low && group.high
      ? { band: { low: withGaps(group.low), high: withGaps(group.high) } }
      : {}),
  }));
  return [...faint, ...estimates];
}

function sampleName({ run, environment }: SampleCurve): string {
  return environment === "" ? run : `${run} ${environment}`;
}

function textAt(group: GroupCurves, at: number | null): string {
  const place = at ?? group.values.findLastIndex((v) => !Number.isNaN(v));
  return intervalText({
    value: group.values[place] ?? Number.NaN,
    low: group.low?.[place] ?? Number.NaN,
    high: group.high?.[place] ?? Number.NaN,
  });
}

function countAt(group: GroupCurves, at: number | null): string {
  return formatCount(at === null ? group.samples.length : (group.counts[at] ?? 0));
}

/** All that a figure has to say of how it was made. */
function methodText(question: StatisticsQuestion, { grid, groups, ...rest }: Statistics): string {
  const unit = question.unit === "run" ? "runs" : "environments of runs";
  const n = groups.map((g) => `${g.name} ${formatCount(g.samples.length)}`).join(", ");
  const more = groups.some((g) => g.samples.length > MOST_FAINT);
  const normalised =
    question.normalisation === "environment"
      ? "each environment from its least value (0) to its greatest (1)"
      : `${formatValue(rest.normalisedFrom ?? 0)} is 0 and ${formatValue(rest.normalisedTo ?? 0)} is 1`;
  return [
    `Line: ${ESTIMATOR_TITLES[question.estimator]} of ${unit} (n: ${n}).`,
    bandText(question),
    `Grid: ${grid.length} even points from ${formatValue(grid[0] ?? 0)} to ${formatValue(grid.at(-1) ?? 0)}; samples are ${rest.interpolation} between their points and have no value beyond their ends.`,
    question.normalisation === "none" ? "Not normalised." : `Normalised: ${normalised}.`,
    more ? `Pale: the first ${MOST_FAINT} samples of each group.` : "Pale: the samples.",
  ].join(" ");
}

function bandText({ band, resamples }: StatisticsQuestion): string {
  if (band === "none") return "";
  const how = band === "ci" ? ` (percentile method, ${formatCount(resamples)} resamples)` : "";
  return `Band: ${BAND_TITLES[band]}${how}.`;
}

function Export({ of, question, statistics }: Omit<FiguresProps, "metric">) {
  const copied = useSignal("");
  const copy = () => {
    const program = statisticsPython(window.location.origin, statisticsJson(of, question));
    navigator.clipboard.writeText(program).then(
      () => {
        copied.value = "Copied";
      },
      (error: unknown) => {
        copied.value = `Not copied: ${error instanceof Error ? error.message : error}`;
      },
    );
  };
  return (
    <span class="export">
      <button
        type="button"
        onClick={() =>
          save(
            `${of.project}-statistics.csv`,
            statisticsCsv(question.axis, statistics.grid, statistics.groups),
          )
        }
      >
        Download CSV
      </button>
      <button type="button" onClick={copy}>
        Copy as Python
      </button>
      <span role="status">{copied.value}</span>
    </span>
  );
}

/** Saves a text as a file. The link is in no document, so that nothing takes it for a page. */
function save(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

interface Final {
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
function FinalTable({ metric, question, statistics, finals, threshold }: FinalProps) {
  const { grid, groups } = statistics;
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
                  <span class="swatch" style={{ background: colourOf(place) }} /> {group.name}
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
function Profile({ finals, metric }: { finals: Final[]; metric: Metric }) {
  const { xs, lines } = useMemo(() => {
    const thresholds = thresholdsOf(
      finals.map((f) => f.scores),
      PROFILE_POINTS,
    );
    return {
      xs: thresholds,
      lines: finals.map((f, place) => ({
        label: f.name,
        colour: colourOf(place),
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
function Improvement({ finals }: { finals: Final[] }) {
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
