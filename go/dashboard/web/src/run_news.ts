import { type ReadonlySignal, type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { messageOf } from "./live";
import type { RunNames } from "./server/curves";
import { listRunStates, type RunState } from "./server/run_states";

/** What a page knows of the runs it shows. */
export interface RunNews {
  /** Grows with everything that the runs take in. */
  version: number;
  /** Null until they were asked about. */
  runs: RunState[] | null;
  /** Why the server did not answer last time; null when it did. */
  failure: string | null;
}

/** How often runs are asked about, in milliseconds: while one is running, and else. */
const PERIOD = 1000;
const PERIOD_AT_REST = 5000;

/**
 * Follows runs while the page is visible and not paused: one small question a second,
 * whatever the page shows, and less often while there is no answer. Charts ask again only
 * when the version grows.
 */
export function useRunNews(names: RunNames, paused: ReadonlySignal<boolean>): Signal<RunNews> {
  const news = useSignal<RunNews>({ version: 0, runs: null, failure: null });
  const { workspace, project, runs } = names;
  useEffect(() => {
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    const look = async () => {
      clearTimeout(timer);
      if (document.visibilityState !== "visible" || paused.peek()) return;
      try {
        const states = await listRunStates(names, gone.signal);
        const before = news.peek();
        const version = before.version + (differ(before.runs, states) ? 1 : 0);
        news.value = { version, runs: states, failure: null };
        failures = 0;
      } catch (error) {
        if (gone.signal.aborted) return;
        news.value = { ...news.peek(), failure: messageOf(error) };
        failures++;
      }
      if (gone.signal.aborted) return;
      const running = news.peek().runs?.some((run) => run.status === "RUNNING") ?? true;
      const period = (running ? PERIOD : PERIOD_AT_REST) * 2 ** Math.min(failures, 4);
      timer = setTimeout(() => void look(), period);
    };
    document.addEventListener("visibilitychange", () => void look(), { signal: gone.signal });
    const unwatch = paused.subscribe((value) => {
      if (!value) void look();
    });
    return () => {
      unwatch();
      clearTimeout(timer);
      gone.abort();
    };
  }, [workspace, project, runs.join("\n")]);
  return news;
}

function differ(before: RunState[] | null, now: RunState[]): boolean {
  if (before === null) return false;
  const modified = new Map(before.map((run) => [run.name, run.modified]));
  return now.some((run) => modified.get(run.name) !== run.modified);
}
