import type { Signal } from "@preact/signals";
import type { EpisodeEvent } from "../lib/episode_events";
import { formatCount } from "../lib/format";

interface Props {
  events: readonly EpisodeEvent[];
  playhead: Signal<number | null>;
}

/** How many events are named: one of each step says nothing any more. */
const MOST = 20;

/** What happened in an episode; a click moves the playhead there. */
export function EventList({ events, playhead }: Props) {
  if (events.length === 0) return null;
  return (
    <ul class="events" aria-label="What happened in this episode">
      {events.slice(0, MOST).map(({ x, title }) => (
        <li key={x}>
          <button
            type="button"
            onClick={() => {
              playhead.value = x;
            }}
          >
            {title} <span class="faint">env step {formatCount(x)}</span>
          </button>
        </li>
      ))}
      {events.length > MOST && <li class="faint">and {formatCount(events.length - MOST)} more</li>}
    </ul>
  );
}
