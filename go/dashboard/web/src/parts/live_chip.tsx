import type { Signal } from "@preact/signals";
import type { RunNews } from "../run_news";

/** Whether what is shown follows the runs: live, paused, stale, or at rest. A click pauses. */
export function LiveChip({ news, paused }: { news: RunNews; paused: Signal<boolean> }) {
  const state = stateOf(news, paused.value);
  return (
    <button
      type="button"
      class={`chip live-${state}`}
      aria-pressed={paused.value}
      title={TITLES[state]}
      onClick={() => {
        paused.value = !paused.value;
      }}
    >
      {state}
    </button>
  );
}

type LiveState = "live" | "paused" | "stale" | "at rest";

const TITLES: Record<LiveState, string> = {
  live: "New points appear as they come. Click, or press space, to pause.",
  paused: "Nothing is asked until you go on: click, or press space.",
  stale: "The server does not answer; what is shown may be old. Asking goes on.",
  "at rest": "No run is logging. Should one go on, its points appear.",
};

function stateOf(news: RunNews, paused: boolean): LiveState {
  if (paused) return "paused";
  if (news.failure !== null) return "stale";
  return news.runs?.some((run) => run.status === "RUNNING") ? "live" : "at rest";
}
