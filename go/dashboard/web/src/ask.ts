import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { messageOf } from "./live";

/** The last answer, and whether a newer one is on its way or failed. */
export interface Answer<T> {
  value: T | null;
  loading: boolean;
  /** Why the last question failed; null when it did not. */
  failure: string | null;
}

/**
 * Asks the server once for each change of the dependencies. The last answer stays
 * until the next one is there; a question that is no longer wanted is cancelled.
 */
export function useAnswer<T>(
  read: (signal: AbortSignal) => Promise<T>,
  dependencies: readonly unknown[],
): Signal<Answer<T>> {
  const answer = useSignal<Answer<T>>({ value: null, loading: true, failure: null });
  useEffect(() => {
    const gone = new AbortController();
    answer.value = { ...answer.peek(), loading: true };
    read(gone.signal).then(
      (value) => {
        if (!gone.signal.aborted) answer.value = { value, loading: false, failure: null };
      },
      (error: unknown) => {
        if (gone.signal.aborted) return;
        answer.value = { ...answer.peek(), loading: false, failure: messageOf(error) };
      },
    );
    return () => gone.abort();
  }, dependencies);
  return answer;
}
