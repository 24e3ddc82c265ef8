import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

/** What is known of an answer of the server. */
export type Loaded<T> =
  | { state: "loading" }
  | { state: "failed"; message: string }
  | { state: "ready"; value: T };

/** How often an open page asks for news, in milliseconds. */
const PERIOD = 1000;

/**
 * Reads something when a component appears and then again and again, while the
 * page is visible and `again` says so. A request under way is cancelled when the
 * component goes. After a failure the last value stays, and asking goes on at a
 * slower pace.
 */
export function useLive<T>(
  read: (signal: AbortSignal) => Promise<T>,
  again: (value: T) => boolean,
  dependencies: readonly unknown[],
): Signal<Loaded<T>> {
  const result = useSignal<Loaded<T>>({ state: "loading" });
  useEffect(() => {
    const gone = new AbortController();
    void follow(read, again, result, gone.signal);
    return () => gone.abort();
  }, dependencies);
  return result;
}

async function follow<T>(
  read: (signal: AbortSignal) => Promise<T>,
  again: (value: T) => boolean,
  result: Signal<Loaded<T>>,
  gone: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!gone.aborted) {
    await visible(gone);
    try {
      const value = await read(gone);
      if (gone.aborted) return;
      failures = 0;
      result.value = { state: "ready", value };
      if (!again(value)) return;
    } catch (error) {
      if (gone.aborted) return;
      failures++;
      if (result.value.state !== "ready") {
        result.value = { state: "failed", message: messageOf(error) };
      }
    }
    await pause(PERIOD * 2 ** Math.min(failures, 4), gone);
  }
}

/** Why something failed, in words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function visible(gone: AbortSignal): Promise<void> {
  if (document.visibilityState === "visible") return Promise.resolve();
  return new Promise((resolve) => {
    const shown = () => document.visibilityState === "visible" && resolve();
    document.addEventListener("visibilitychange", shown, { signal: gone });
    gone.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Waits, no longer than until the page has gone. */
export function pause(milliseconds: number, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    gone.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
