import type { Signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { type Answer, useAnswer } from "./ask";
import { useAtMostEvery } from "./at_most_every";
import type { MetricDefinition } from "./gen/metrana_protobuf/query/v1/svc/definitions_pb";
import { metricKey } from "./lib/metric_key";
import { metricsVersion, type RunNews } from "./lib/run_changes";
import { withAncestors } from "./server/ancestors";
import { listMetricsOf, type RunNames } from "./server/curves";

/** How often metrics are listed anew, at most, in milliseconds: there may be very many. */
const PERIOD = 1000;

/**
 * All metrics of runs, listed anew when news are of one that is not among them.
 *
 * @param inherited Whether forked runs have those of the runs that they inherit from, too.
 */
export function useMetrics(
  names: RunNames,
  news: RunNews,
  inherited: boolean,
): Signal<Answer<MetricDefinition[]>> {
  const first = useRef<ReadonlySet<string> | null>(null);
  const version = first.current ? metricsVersion(news, first.current) : news.everything;
  return useAnswer(
    async (signal) => {
      const runs = inherited ? await withAncestors(names, signal) : names;
      const metrics = await listMetricsOf(runs, signal);
      first.current ??= new Set(metrics.map(metricKey));
      return metrics;
    },
    [names.workspace, names.project, names.runs.join("\n"), inherited],
    useAtMostEvery(version, PERIOD),
  );
}
