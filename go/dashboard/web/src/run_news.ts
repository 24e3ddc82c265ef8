import { type ReadonlySignal, type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { follow } from "./follow";
import { heard, NOTHING_HEARD, onlyOf, type RunNews } from "./lib/run_changes";
import type { RunNames } from "./server/curves";
import { tailRuns } from "./server/tail";

/**
 * Follows runs by one stream, which is silent when they are. Parts of the page ask again
 * when the version of what they show grows.
 */
export function useRunNews(names: RunNames, paused?: ReadonlySignal<boolean>): Signal<RunNews> {
  const news = useSignal(NOTHING_HEARD);
  const { workspace, project, runs } = names;
  useEffect(() => {
    news.value = onlyOf(news.peek(), runs);
    return follow(
      {
        open: (signal) => tailRuns(names, news.peek().runs, signal),
        hear: (changes) => {
          news.value = heard(news.peek(), changes);
        },
        fail: (failure) => {
          news.value = { ...news.peek(), failure };
        },
      },
      paused,
    );
  }, [workspace, project, runs.join("\n")]);
  return news;
}
