import type { ReadonlySignal } from "@preact/signals";
import { messageOf } from "./lib/message_of";
import { pauseAfter } from "./lib/pause_after";
import { pause } from "./pause";

/** A stream of the server, and who listens. */
export interface Followed<T> {
  /** Opens it where it was left; it ends when nothing more will come. */
  open: (signal: AbortSignal) => AsyncIterable<T>;
  hear: (message: T) => void;
  /** Nothing is heard, and why. Opening goes on. */
  fail: (message: string) => void;
}

/**
 * Listens to a stream while the page is seen and not paused, until what it returns is
 * called.
 *
 * A browser has six connections of HTTP/1.1 to a host, for all tabs together, and a stream
 * takes one. Tabs that are not seen have none; six windows side by side would leave none
 * for questions.
 */
export function follow<T>(followed: Followed<T>, paused?: ReadonlySignal<boolean>): () => void {
  const gone = new AbortController();
  let stream: AbortController | null = null;
  const look = () => {
    const wanted = document.visibilityState === "visible" && !paused?.peek();
    if (wanted === (stream !== null)) return;
    stream?.abort();
    stream = wanted ? new AbortController() : null;
    if (stream) void listen(followed, stream.signal);
  };
  document.addEventListener("visibilitychange", look, { signal: gone.signal });
  const unwatch = paused?.subscribe(look);
  look();
  return () => {
    unwatch?.();
    gone.abort();
    stream?.abort();
  };
}

/** Opens the stream, and again where it was cut, until it ends. */
async function listen<T>({ open, hear, fail }: Followed<T>, gone: AbortSignal): Promise<void> {
  for (let failures = 0; !gone.aborted; ) {
    try {
      for await (const message of open(gone)) {
        if (gone.aborted) return;
        failures = 0;
        hear(message);
      }
      return;
    } catch (error) {
      if (gone.aborted) return;
      // One cut is nothing to speak of: proxies end streams that last.
      if (++failures > 1) fail(messageOf(error));
    }
    await pause(pauseAfter(failures), gone);
  }
}
