import { messageOf } from "./message_of";

/** How an answer came out. */
export type Outcome<A> = { answer: A } | { failure: string };

/** Sends questions, and gives what each came to, in their order. */
export type SendAll<Q, A> = (questions: Q[], signal: AbortSignal) => Promise<Outcome<A>[]>;

/** A question that waits for the next wave, or is under way. */
interface Asked<Q, A> {
  question: Q;
  signal: AbortSignal;
  settle: (outcome: Outcome<A>) => void;
}

export const NO_ANSWER = { failure: "the server gave no answer" };

/** How long a wave waits for questions that arise at the same time, in milliseconds. */
const GATHERING = 20;

/** Up to this pause, in milliseconds, drawing takes the page a quarter of the time at most: points come within two seconds. */
const PAUSE_FOR_POINTS = 1000;

/** How long at most what took long is put off, in milliseconds. */
export const LONGEST_PAUSE = 5000;

/**
 * How long the next wave waits after one, in milliseconds, by how long that took. What takes long
 * is done half of the time at most, however quick the news.
 */
export function pauseAfterWave(answering: number, drawing: number): number {
  const forDrawing = Math.max(Math.min(3 * drawing, PAUSE_FOR_POINTS), drawing);
  return Math.min(Math.max(forDrawing, answering), LONGEST_PAUSE);
}

/** Answers are drawn so many at a time that a page takes the pointer again after this, in milliseconds; few always are. */
const FRAME = 200;
const FEW = 4;

/** How many are before it is known what one takes. */
const FIRST_TOGETHER = 20;

/** How many answers are drawn together, by how long each takes, in milliseconds. */
export function drawnTogether(each: number): number {
  return Math.max(Math.floor(FRAME / each), FEW);
}

/**
 * Asks what many parts of a page ask again and again in waves: the questions of a moment travel
 * together, their answers are drawn together, and waves keep apart by what they cost.
 *
 * @param drawn Tells when what was answered is on the screen.
 * @param most So many questions go in a request; those of a wave are sent side by side.
 * @returns Asks one. Who gives up by the signal is told its reason; a request that nobody waits for is given up.
 */
export function questionWaves<Q, A>(
  send: SendAll<Q, A>,
  drawn: () => Promise<void>,
  most: number,
): (question: Q, signal: AbortSignal) => Promise<A> {
  let waiting: Asked<Q, A>[] = [];
  let going = false;
  let together = FIRST_TOGETHER;
  const draw = async (outcomes: [Asked<Q, A>, Outcome<A>][]) => {
    for (let next = 0; next < outcomes.length; ) {
      const group = outcomes.slice(next, next + together);
      next += group.length;
      const began = performance.now();
      for (const [{ settle }, outcome] of group) settle(outcome);
      await drawn();
      together = drawnTogether((performance.now() - began) / group.length);
    }
  };
  const go = async () => {
    going = true;
    await sleep(GATHERING);
    while (waiting.length > 0) {
      const wave = waiting.filter(({ signal }) => !signal.aborted);
      waiting = [];
      const began = performance.now();
      const outcomes = await Promise.all(partsOf(wave, most).map((part) => outcomesOf(part, send)));
      const answered = performance.now();
      await draw(outcomes.flat());
      await sleep(pauseAfterWave(answered - began, performance.now() - answered));
    }
    going = false;
  };
  return (question, signal) =>
    new Promise((resolve, reject) => {
      const giveUp = () => reject(signal.reason);
      const settle = (outcome: Outcome<A>) => {
        signal.removeEventListener("abort", giveUp);
        if ("answer" in outcome) resolve(outcome.answer);
        else reject(new Error(outcome.failure));
      };
      if (signal.aborted) return giveUp();
      signal.addEventListener("abort", giveUp);
      waiting.push({ question, signal, settle });
      if (!going) void go();
    });
}

function partsOf<T>(all: readonly T[], most: number): T[][] {
  const count = Math.ceil(all.length / most);
  return Array.from({ length: count }, (_, i) => all.slice(i * most, (i + 1) * most));
}

/** Sends questions; once all who wait have given up, what is under way is cancelled. */
async function outcomesOf<Q, A>(
  asked: Asked<Q, A>[],
  send: SendAll<Q, A>,
): Promise<[Asked<Q, A>, Outcome<A>][]> {
  const cancelled = new AbortController();
  const look = () => {
    if (asked.every(({ signal }) => signal.aborted)) cancelled.abort();
  };
  for (const { signal } of asked) signal.addEventListener("abort", look);
  try {
    const questions = asked.map(({ question }) => question);
    const outcomes = await send(questions, cancelled.signal);
    return asked.map((of, i) => [of, outcomes[i] ?? NO_ANSWER]);
  } catch (error) {
    const failure = messageOf(error);
    return asked.map((of) => [of, { failure }]);
  } finally {
    for (const { signal } of asked) signal.removeEventListener("abort", look);
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
