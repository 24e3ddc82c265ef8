import { type ReadonlySignal, type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { heard, NOTHING_HEARD, pauseAfter, type RunNews } from "./lib/run_changes";
import { messageOf, pause } from "./live";
import type { RunNames } from "./server/curves";
import { tailRuns } from "./server/tail";

/**
 * Follows runs while the page is seen and not paused, by one stream that is silent when
 * they are. Parts of the page ask again when the version of what they show grows.
 *
 * A browser has six connections of HTTP/1.1 to a host, for all tabs together, and a stream
 * takes one. Tabs that are not seen have none; six windows side by side would leave none
 * for questions.
 */
export function useRunNews(names: RunNames, paused?: ReadonlySignal<boolean>): Signal<RunNews> {
  const news = useSignal(NOTHING_HEARD);
  const { workspace, project, runs } = names;
  useEffect(() => {
    const gone = new AbortController();
    let stream: AbortController | null = null;
    const look = () => {
      const wanted = document.visibilityState === "visible" && !paused?.peek();
      if (wanted === (stream !== null)) return;
      stream?.abort();
      stream = wanted ? new AbortController() : null;
      if (stream) void follow(names, news, stream.signal);
    };
    document.addEventListener("visibilitychange", look, { signal: gone.signal });
    const unwatch = paused?.subscribe(look);
    look();
    return () => {
      unwatch?.();
      gone.abort();
      stream?.abort();
    };
  }, [workspace, project, runs.join("\n")]);
  return news;
}

/** Opens the stream, and again where it was cut, until all runs were deleted. */
async function follow(names: RunNames, news: Signal<RunNews>, gone: AbortSignal): Promise<void> {
  for (let failures = 0; !gone.aborted; ) {
    try {
      for await (const changes of tailRuns(names, news.peek().runs, gone)) {
        if (gone.aborted) return;
        failures = 0;
        news.value = heard(news.peek(), changes);
      }
      return;
    } catch (error) {
      if (gone.aborted) return;
      // One cut is nothing to speak of: proxies end streams that last.
      if (++failures > 1) news.value = { ...news.peek(), failure: messageOf(error) };
    }
    await pause(pauseAfter(failures), gone);
  }
}
