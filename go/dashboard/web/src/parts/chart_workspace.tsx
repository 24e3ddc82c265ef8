import type { ReadonlySignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { useAnswer } from "../ask";
import type { MetricDefinition } from "../gen/metrana_protobuf/query/v1/svc/definitions_pb";
import { useKeys } from "../keys";
import { nextAxis } from "../lib/axis";
import {
  type ChartSettings,
  DEFAULT_SETTINGS,
  formatOwn,
  formatSettings,
  parseOwn,
  parseSettings,
} from "../lib/chart_settings";
import { colourOf } from "../lib/colour";
import { formatNames, parseNames } from "../lib/episode_filter";
import { formatChoice, LINES } from "../lib/line_choice";
import { isMetricAxis, metricOfAxis } from "../lib/metric_axis";
import { metricKey } from "../lib/metric_key";
import { overviewOf } from "../lib/rl_overview";
import { type RunNews, versionOf } from "../lib/run_changes";
import { metricsOfKeys, sectionsOf } from "../lib/sections";
import { moreSmoothing } from "../lib/smoothing";
import { formatZoom, ZOOM, zoomed } from "../lib/zoom";
import { type Codec, setParams, TEXT, useParam } from "../params";
import { useRunColours } from "../run_colours";
import { hasForks } from "../server/ancestors";
import type { RunNames } from "../server/curves";
import { ChartCard } from "./chart_card";
import { ChartColours } from "./chart_colours";
import { ChartGrid } from "./chart_grid";
import { SettingsForm } from "./settings_form";

const NAMES: Codec<Set<string>> = {
  parse: (text) => new Set(parseNames(text)),
  format: (names) => formatNames([...names]),
};

/** The section of what was put on top, and that of what people look at first. */
const PINNED = "Pinned";
const OVERVIEW = "Overview";

/** So many metrics need no overview. */
const AT_A_GLANCE = 12;

/** The table that charts stand beside. */
export interface BesideTable {
  /** Where the charts are: keys that the table has, too, are theirs while they have the focus. */
  place: RefObject<HTMLElement | null>;
  /** The run whose row the pointer is on; null: none. */
  pointed: ReadonlySignal<string | null>;
}

interface Props {
  names: RunNames;
  metrics: MetricDefinition[];
  news: RunNews;
  /** Null: they are a page of their own. */
  beside: BesideTable | null;
}

/** Charts of all metrics of runs in sections, and what is set for all of them. */
export function ChartWorkspace({ names, metrics, news, beside }: Props) {
  const settings = parseSettings(useParam("view", TEXT).value, DEFAULT_SETTINGS);
  const own = parseOwn(useParam("own", TEXT).value);
  const zoom = useParam("zoom", ZOOM).value;
  const search = useParam("find", TEXT).value;
  const closed = useParam("closed", NAMES).value;
  const pinned = useParam("pinned", NAMES).value;
  const toggle = (param: string, names: ReadonlySet<string>, name: string) =>
    setParams({ [param]: NAMES.format(toggled(names, name)) });
  const choice = useParam("lines", LINES).value;
  const choices = { forked: useForked(names), metrics };
  const find = useRef<HTMLInputElement>(null);
  const change = (next: typeof settings) =>
    setParams({ view: formatSettings(next, DEFAULT_SETTINGS) });
  const keys = {
    "/": () => find.current?.focus(),
    x: () => change({ ...settings, axis: nextAxis(settings.axis) }),
  };
  useKeys(keys, beside?.place);
  useKeys({
    s: () => change({ ...settings, smoothing: moreSmoothing(settings.smoothing) }),
  });
  const pattern = regexOf(search);
  const sections = useMemo(() => {
    const found = pattern ? metrics.filter((m) => pattern.test(m.metricName)) : metrics;
    const onTop = metricsOfKeys(found, pinned);
    return [
      ...(onTop.length > 0 ? [{ name: PINNED, items: onTop }] : []),
      ...sectionsWithOverview(found, search === ""),
    ];
  }, [metrics, search, NAMES.format(pinned)]);
  const colours = useRunColours(names, news.description);
  // A table beside has the colours of its rows, one run or many.
  const byRun = beside !== null || names.runs.length > 1;
  if (metrics.length === 0) {
    return <p class="note">No points yet. Charts appear here as soon as there are any.</p>;
  }
  return (
    <>
      <div class="chart-bar">
        <input
          ref={find}
          type="search"
          placeholder="Find metrics, as loss|kl   ( / )"
          aria-label="Find metrics by a regular expression"
          aria-invalid={pattern === null}
          value={search}
          onInput={(event) => setParams({ find: event.currentTarget.value })}
        />
        <SettingsForm settings={settings} choices={choices} onChange={change} />
        {choice.keys.size > 0 && (
          <button type="button" onClick={() => setParams({ lines: "" })}>
            Show all lines
          </button>
        )}
        {zoom.size > 0 && (
          <button type="button" onClick={() => setParams({ zoom: "" })}>
            Show all of the axis
          </button>
        )}
      </div>
      {beside === null && byRun && <ChartColours of={names} colours={colours} />}
      {pattern === null && (
        <p class="note failed" role="alert">
          {search} is no regular expression.
        </p>
      )}
      {sections.length === 0 && (
        <p class="note">
          None of {metrics.length} metrics is called like that.{" "}
          <button type="button" onClick={() => setParams({ find: "" })}>
            Show all
          </button>
        </p>
      )}
      <ChartGrid
        sections={sections}
        closed={closed}
        onToggle={(name) => toggle("closed", closed, name)}
        keyOf={metricKey}
        draw={(metric) => (
          <ChartCard
            names={names}
            metric={metric}
            version={
              versionOf(news, metric) +
              axisVersion(news, parseSettings(own.get(metricKey(metric)) ?? "", settings))
            }
            page={settings}
            own={own.get(metricKey(metric)) ?? ""}
            zoom={zoom}
            choice={choice}
            choices={choices}
            pin={{
              on: pinned.has(metricKey(metric)),
              onToggle: () => toggle("pinned", pinned, metricKey(metric)),
            }}
            onChoose={(next) => setParams({ lines: formatChoice(next) })}
            colourOf={(run, line) => (byRun ? colours.of(run) : colourOf(line))}
            {...(beside ? { pointed: beside.pointed } : {})}
            onOwn={(text) =>
              setParams({ own: formatOwn(new Map(own).set(metricKey(metric), text)) })
            }
            onZoom={(axis, stretch) => setParams({ zoom: formatZoom(zoomed(zoom, axis, stretch)) })}
          />
        )}
      />
    </>
  );
}

function toggled(names: ReadonlySet<string>, name: string): Set<string> {
  const next = new Set(names);
  if (!next.delete(name)) next.add(name);
  return next;
}

/** Grows when points came to the metric that a chart goes along. */
function axisVersion(news: RunNews, { axis }: ChartSettings): number {
  return isMetricAxis(axis) ? versionOf(news, metricOfAxis(axis)) : 0;
}

/** Whether any of the runs has a parent; not before that is known. */
function useForked(names: RunNames): boolean {
  const { workspace, project, runs } = names;
  const asked = useAnswer(
    (signal) => hasForks(names, signal),
    [workspace, project, runs.join("\n")],
  );
  return asked.value.value ?? false;
}

/** Null where the text is none. Capital letters count only where there are any. */
function regexOf(text: string): RegExp | null {
  try {
    return new RegExp(text, /\p{Lu}/u.test(text) ? "u" : "iu");
  } catch {
    return null;
  }
}

function sectionsWithOverview(metrics: MetricDefinition[], withOverview: boolean) {
  const sections = sectionsOf(metrics).map(({ name, metrics: items }) => ({
    name: name || "General",
    items,
  }));
  const first = withOverview ? overviewOf(metrics).flatMap((topic) => topic.metrics) : [];
  // Where all is seen at a glance, or the overview has most of it, it only says things twice.
  if (metrics.length < AT_A_GLANCE || first.length * 2 > metrics.length) return sections;
  if (first.length === 0) return sections;
  return [{ name: OVERVIEW, items: first }, ...sections];
}
