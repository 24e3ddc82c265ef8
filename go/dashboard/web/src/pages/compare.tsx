import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { useAnswer } from "../ask";
import { useAtMostEvery } from "../at_most_every";
import { useComparedRuns } from "../compared_runs";
import { useKeys } from "../keys";
import { tasksFirst } from "../lib/environment_groups";
import { formatNames, parseNames } from "../lib/episode_filter";
import { failureText } from "../lib/failure_text";
import { formatCount } from "../lib/format";
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
import { AS_LOGGED, type Normalisation, parseScales, parseScaling } from "../lib/normalisation";
import type { RunNews } from "../lib/run_changes";
import { queryFor, RL_SCALES } from "../lib/sections";
import {
  ESTIMATOR_TITLES,
  ESTIMATORS,
  type EstimatorName,
  finalScores,
  usualThreshold,
} from "../lib/statistics";
import { useMetrics } from "../metrics_of_runs";
import { type Codec, setParams, TEXT, useParam } from "../params";
import { AnswerState } from "../parts/answer_state";
import { LearningCurves } from "../parts/compare_curves";
import { FinalTable, Improvement, Profile } from "../parts/compare_finals";
import { ScaleChoice, ScaleFields } from "../parts/compare_scale";
import { BAND_TITLES, type FiguresProps, type Metric } from "../parts/comparison";
import { InheritedSwitch, useInherited } from "../parts/inherited_switch";
import { LiveChip } from "../parts/live_chip";
import { listEnvironmentAttributes } from "../server/environments";
import {
  BANDS,
  type Band,
  type ProjectName,
  readStatistics,
  type StatisticsAxis,
  type StatisticsQuestion,
} from "../server/statistics";
import "../styles/compare.css";

const NAMES: Codec<string[]> = { parse: parseNames, format: formatNames };

const GRID_POINTS = 100;

/** Fewer where there are more samples, so that an answer takes no more than moments. */
const RESAMPLES = { run: 1000, environment: 200 };

/** How often estimates are asked for anew at most, in milliseconds. */
const PERIOD = 1000;

/** Runs in groups, each group's estimate with what is known of its error. */
export function ComparePage({ workspace, project }: ProjectName) {
  const of = { workspace, project };
  const names = useParam("runs", NAMES).value;
  const [inherited, setInherited] = useInherited();
  const paused = useSignal(false);
  const { answer, news } = useComparedRuns(of, names, paused);
  const forked = answer.value.value?.runs.some((r) => r.forked) ?? false;
  useKeys({
    " ": () => {
      paused.value = !paused.value;
    },
  });
  return (
    <>
      <div class="title-row">
        <h1>Compare runs of {project}</h1>
        {forked && <InheritedSwitch on={inherited} onChange={setInherited} />}
        {answer.value.value?.runs.length ? <LiveChip news={news} paused={paused} /> : null}
      </div>
      <AnswerState of={answer.value}>
        {({ runs }) =>
          runs.length === 0 ? (
            <p class="note">
              {names.length > 0
                ? `None of ${names.join(", ")} is a run of ${project}.`
                : "This project has no runs yet."}
            </p>
          ) : (
            <Body of={of} runs={runs} inherited={inherited} news={news} />
          )
        }
      </AnswerState>
    </>
  );
}

interface ComparedProps {
  of: ProjectName;
  runs: GroupedRun[];
  /** Whether forked runs have the points of their parents, too. */
  inherited: boolean;
}

interface BodyProps extends ComparedProps {
  news: RunNews;
}

const keyOf = (m: Metric) => `${m.scale} ${m.metricName}`;

/** What is looked at first: a return of episodes, or else the first metric. */
function usualMetric(metrics: Metric[]): Metric | undefined {
  const named = metrics.filter((m) => /return|reward|score/i.test(m.metricName));
  return named.find((m) => m.scale === "EPISODE") ?? named[0] ?? metrics[0];
}

/** The axes that points of a scale have, the usual one first. */
function axesOf(metric: Metric, metrics: Metric[]): StatisticsAxis[] {
  if (!RL_SCALES.includes(metric.scale)) return ["step", "seconds since the start"];
  const hasSteps = metrics.some((m) => m.scale === "ENVIRONMENT_STEP");
  const others: StatisticsAxis[] = ["update", "episode", "seconds since the start"];
  return hasSteps ? ["env steps", ...others] : others;
}

/** How samples are put on scales; environments only have some where each is a sample. */
function useNormalisation(ofEnvironments: boolean): Normalisation {
  const scaling = parseScaling(useParam("normalise", TEXT).value);
  const scales = parseScales(useParam("scales", TEXT).value);
  return scaling.by === "environment" && !ofEnvironments ? AS_LOGGED : { ...scaling, scales };
}

function useChoice<T extends string>(name: string, choices: readonly T[]): T {
  const text = useParam(name, TEXT).value;
  return choices.find((c) => c === text) ?? (choices[0] as T);
}

/** Lists what the runs have. */
function Body({ news, ...props }: BodyProps) {
  const { of, runs, inherited } = props;
  const names = { ...of, runs: runs.map((r) => r.name) };
  const metrics = useMetrics(names, news, inherited);
  const version = useAtMostEvery(news.version, PERIOD);
  return (
    <AnswerState of={metrics.value}>
      {(all) => <Chosen {...props} metrics={all} version={version} />}
    </AnswerState>
  );
}

interface ChosenProps extends ComparedProps {
  metrics: Metric[];
  /** Grows with what the runs take in. */
  version: number;
}

function Chosen(props: ChosenProps) {
  const { metrics } = props;
  const chosen = useParam("metric", TEXT).value;
  const metric = metrics.find((m) => keyOf(m) === chosen) ?? usualMetric(metrics);
  if (!metric) {
    return <p class="note">None of these runs has points yet: there is nothing to compare.</p>;
  }
  return <Comparison {...props} metric={metric} />;
}

function Comparison({
  of,
  runs,
  metrics,
  metric,
  inherited,
  version,
}: ChosenProps & { metric: Metric }) {
  const names = { ...of, runs: runs.map((r) => r.name) };
  const paths = useMemo(() => groupingPaths(runs), [runs]);
  const usual: Grouping = paths[0] ? { by: "attribute", path: paths[0] } : { by: "run" };
  const grouping = parseGrouping(useParam("group", TEXT).value) ?? usual;
  const isRl = RL_SCALES.includes(metric.scale);
  const axes = axesOf(metric, metrics);
  const axis = useChoice("axis", axes);
  const unit = useChoice("samples", isRl ? ["run", "environment"] : ["run"]);
  const estimator = useChoice<EstimatorName>("estimator", ESTIMATORS);
  const band = useChoice<Band>("band", BANDS);
  const normalisation = useNormalisation(unit === "environment");
  const environmentPaths = useAnswer(
    (signal) => (isRl ? listEnvironmentAttributes(names, signal) : Promise.resolve([])),
    [names.runs.join("\n"), isRl],
  ).value;
  // At one env step few environments end an episode: single points would be noise.
  const points = useChoice("points", isRl ? ["means", "single"] : ["single", "means"]);
  const groups = groupRuns(runs, grouping);
  const question: StatisticsQuestion = {
    groups,
    seriesQuery: queryFor(metric),
    axis,
    unit: unit as "run" | "environment",
    estimator,
    band,
    normalisation,
    binMeans: points === "means",
    gridPoints: GRID_POINTS,
    resamples: RESAMPLES[unit as "run" | "environment"],
    inherited,
    samples: true,
  };
  const answer = useAnswer(
    (signal) => readStatistics(of, question, signal),
    [JSON.stringify(question)],
    version,
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
        <Choice label="Along" param="axis" value={axis} options={pairs(axes)} />
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
          label="Points"
          param="points"
          value={points}
          options={[
            ["means", "means around grid points"],
            ["single", "single ones"],
          ]}
        />
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
        <ScaleChoice
          chosen={normalisation}
          runPaths={tasksFirst(paths)}
          environmentPaths={tasksFirst(environmentPaths.value ?? [])}
          ofEnvironments={unit === "environment"}
        />
      </div>
      {environmentPaths.failure !== null && (
        <p class="note failed" role="alert">
          Attributes of environments are missing: {failureText(environmentPaths.failure)}
        </p>
      )}
      <ScaleFields normalisation={normalisation} known={answer.value.value?.scales ?? []} />
      <HandGroups runs={runs} groups={groups} grouping={grouping} />
      {groups.length === 0 ? (
        <p class="note">No run has what groups are made by: choose another way to group.</p>
      ) : (
        <AnswerState of={answer.value}>
          {(statistics) => <Figures {...{ of, metric, question, statistics, version }} />}
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

function Figures({
  of,
  metric,
  question,
  statistics,
  version,
}: FiguresProps & { version: number }) {
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
      <LearningCurves {...{ of, metric, question, statistics, threshold, version }} />
      <FinalTable {...{ metric, question, statistics, finals, threshold }} />
      <div class="spread">
        <Profile finals={finals} metric={metric} />
        <Improvement finals={finals} />
      </div>
    </>
  );
}
