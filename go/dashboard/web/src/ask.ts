import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { messageOf } from "./lib/message_of";
import { LONGEST_PAUSE } from "./lib/question_waves";
import { pause } from "./pause";

/** The last answer, and whether a newer one is on its way or failed. */
export interface Answer<T> {
  value: T | null;
  loading: boolean;
  /** Why the last question failed; null when it did not. */
  failure: string | null;
  /** Asks once more. */
  again: () => void;
}

/**
 * Asks the server once for each change of the dependencies. The last answer stays
 * until the next one is there; a question that is no longer wanted is cancelled.
 *
 * @param version Another one asks the same question again, once the one under way is
 *   answered: news that come faster than answers do not keep the answers away. Meanwhile
 *   the last answer does not count as loading: it was right when it was given. `read` is told
 *   that it asks again.
 * @param spaced Whether `read` keeps questions that are asked again apart itself.
 */
export function useAnswer<T>(
  read: (signal: AbortSignal, again: boolean) => Promise<T>,
  dependencies: readonly unknown[],
  version = 0,
  spaced = false,
): Signal<Answer<T>> {
  const repeated = useSignal(0);
  const answer = useSignal<Answer<T>>({
    value: null,
    loading: true,
    failure: null,
    again: () => {
      repeated.value++;
    },
  });
  const latest = useRef({ read, version, spaced });
  latest.current = { read, version, spaced };
  const askAgain = useRef(() => {});
  useEffect(() => {
    const gone = new AbortController();
    answer.value = { ...answer.peek(), loading: true };
    let asked: number | null = null;
    let underWay = false;
    askAgain.current = async () => {
      if (underWay) return;
      underWay = true;
      while (!gone.signal.aborted && asked !== latest.current.version) {
        const { read, version, spaced } = latest.current;
        const again = asked !== null;
        asked = version;
        const began = performance.now();
        await ask((signal) => read(signal, again), answer, gone.signal);
        if (spaced) continue;
        // What takes long is asked half of the time at most, however quick the news.
        await pause(Math.min(performance.now() - began, LONGEST_PAUSE), gone.signal);
      }
      underWay = false;
    };
    askAgain.current();
    return () => gone.abort();
  }, [...dependencies, repeated.value]);
  useEffect(() => askAgain.current(), [version]);
  return answer;
}

async function ask<T>(
  read: (signal: AbortSignal) => Promise<T>,
  answer: Signal<Answer<T>>,
  gone: AbortSignal,
): Promise<void> {
  try {
    const value = await read(gone);
    if (!gone.aborted) answer.value = { ...answer.peek(), value, loading: false, failure: null };
  } catch (error) {
    if (gone.aborted) return;
    answer.value = { ...answer.peek(), loading: false, failure: messageOf(error) };
  }
}
