import { useAtMostEvery } from "./at_most_every";
import { useRunNews } from "./run_news";
import type { RunName } from "./server";

/** How often pages that go over all episodes ask again, in milliseconds. */
const PERIOD = 5000;

/**
 * A number that grows when a run took something in since its page was opened. Pages that
 * sum up a whole run ask again when it does, so that a finished run is asked about once.
 */
export function useRunVersion({ workspace, project, run }: RunName): number {
  const news = useRunNews({ workspace, project, runs: [run] });
  return useAtMostEvery(news.value.version, PERIOD);
}
