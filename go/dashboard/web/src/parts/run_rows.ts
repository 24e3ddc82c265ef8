import { type ReadonlySignal, type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useAtMostEvery } from "../at_most_every";
import { messageOf } from "../lib/message_of";
import { listRunRows, type ProjectName, type RunRow, type TableQuestion } from "../server/runs";

/** How many rows are asked for at a time. */
const PAGE = 100;
/** How often the rows that are seen are asked for again, at most, in milliseconds. */
const PERIOD = 2000;

/** The rows of a table as far as they are known. */
export interface RunRows {
  /** By place. */
  known: ReadonlySignal<ReadonlyMap<number, RunRow>>;
  total: ReadonlySignal<number>;
  /** Why the last question failed; null when it did not. */
  failure: ReadonlySignal<string | null>;
  /** Whether anything was answered yet. */
  asked: ReadonlySignal<boolean>;
  /** Says which places are seen. */
  want: (from: number, to: number) => void;
}

/**
 * The rows of the table by place: pages are asked for when they come near what is seen,
 * all anew when the question changes, and those that are seen when there is news.
 */
export function useRunRows(
  of: ProjectName,
  question: TableQuestion,
  version: number,
  news: number,
): RunRows {
  const state = {
    known: useSignal<ReadonlyMap<number, RunRow>>(new Map()),
    total: useSignal(0),
    failure: useSignal<string | null>(null),
    asked: useSignal(false),
  };
  const seen = useRef({ from: 0, to: PAGE });
  const ask = useRef<(page: number) => void>(() => {});
  const text = JSON.stringify([of.workspace, of.project, question]);
  useEffect(() => {
    const gone = new AbortController();
    ask.current = pageReader(of, question, state, gone.signal);
    state.known.value = new Map();
    state.failure.value = null;
    // The first rows may be charted, wherever the table was scrolled to.
    ask.current(0);
    askAgain(state.failure.peek(), seen.current, ask.current);
    return () => gone.abort();
  }, [text, version]);
  useEffect(
    () => askAgain(state.failure.peek(), seen.current, ask.current),
    [useAtMostEvery(news, PERIOD)],
  );
  const want = (from: number, to: number) => {
    seen.current = { from, to };
    for (let place = from; place < to; place++) {
      if (!state.known.peek().has(place)) ask.current(Math.floor(place / PAGE));
    }
  };
  return { ...state, want };
}

interface State {
  known: Signal<ReadonlyMap<number, RunRow>>;
  total: Signal<number>;
  failure: Signal<string | null>;
  asked: Signal<boolean>;
}

/** Reads pages into the state, each once at a time. */
function pageReader(
  of: ProjectName,
  question: TableQuestion,
  { known, total, failure, asked }: State,
  gone: AbortSignal,
): (page: number) => void {
  const under = new Set<number>();
  return async (page) => {
    if (under.has(page)) return;
    under.add(page);
    try {
      const asking = { ...question, limit: PAGE, offset: page * PAGE };
      const answer = await listRunRows(of, asking, gone);
      const next = new Map(known.value);
      for (const [i, row] of answer.rows.entries()) next.set(page * PAGE + i, row);
      known.value = next;
      total.value = answer.total;
      failure.value = null;
      asked.value = true;
    } catch (error) {
      if (!gone.aborted) failure.value = messageOf(error);
    }
    under.delete(page);
  };
}

/** Asks for the pages that are seen. */
function askAgain(
  failure: string | null,
  { from, to }: { from: number; to: number },
  ask: (page: number) => void,
): void {
  // What the server does not understand it will not understand then.
  if (failure?.startsWith("[invalid_argument]")) return;
  for (let page = Math.floor(from / PAGE); page * PAGE < Math.max(to, 1); page++) ask(page);
}
