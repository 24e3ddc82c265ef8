import type { Signal } from "@preact/signals";
import { type LiveState, liveState, type RunNews } from "../lib/run_changes";

/** Whether what is shown follows the runs. A click pauses. */
export function LiveChip({ news, paused }: { news: RunNews; paused: Signal<boolean> }) {
  const state = liveState(news, paused.value);
  return (
    <button
      type="button"
      class={`chip live-${state}`}
      aria-pressed={paused.value}
      title={state === "stale" ? `${TITLES.stale} ${news.failure}` : TITLES[state]}
      onClick={() => {
        paused.value = !paused.value;
      }}
    >
      {state}
    </button>
  );
}

const TITLES: Record<LiveState, string> = {
  connecting: "The server has not answered yet.",
  live: "New points appear as they come. Click to pause.",
  paused: "Nothing is asked until you go on: click.",
  stale: "What is shown may be old; the server is asked again and again.",
  "at rest": "No run is logging. Should one go on, its points appear.",
};
