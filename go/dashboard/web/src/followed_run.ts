import { type Signal, useSignal } from "@preact/signals";
import { useAtMostEvery } from "./at_most_every";
import { useKeys } from "./keys";
import type { RunNews } from "./lib/run_changes";
import { useRunNews } from "./run_news";
import type { RunName } from "./server";

/** How often pages that sum up a run look whether it took something in, in milliseconds. */
const PERIOD = 1000;

/** A run as a page follows it, for its chip and its questions. */
export interface Following {
  news: RunNews;
  paused: Signal<boolean>;
  /** Grows when the run took something in since the page was opened. */
  version: number;
}

/**
 * Follows a run for a page that sums it up: of a run at rest it asks once.
 *
 * @param spacePauses Whether space pauses and goes on; otherwise it is for a video.
 */
export function useFollowedRun(
  { workspace, project, run }: RunName,
  spacePauses = true,
): Following {
  const paused = useSignal(false);
  const pause = () => {
    paused.value = !paused.value;
  };
  useKeys(spacePauses ? { " ": pause } : {});
  const news = useRunNews({ workspace, project, runs: [run] }, paused).value;
  return { news, paused, version: useAtMostEvery(news.version, PERIOD) };
}
