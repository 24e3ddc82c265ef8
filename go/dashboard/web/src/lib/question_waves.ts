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

/** No pause is longer. */
const LONGEST_PAUSE = 5000;

/**
 * How long the next wave waits after one, in milliseconds, by how long that took. What takes long
 * is done half of the time at most, however quick the news.
 */
export function pauseAfterWave(answering: number, drawing: number): number {
  const forDrawing = Math.max(Math.min(3 * drawing, PAUSE_FOR_POINTS), drawing);
  return Math.min(Math.max(forDrawing, answering), LONGEST_PAUSE);
}

/**
 * Asks what many parts of a page ask again and again in waves: the questions of a moment travel
 * together, their answers are drawn together, and waves keep apart by what they cost.
 *
 * @param drawn Tells when what was answered is on the screen.
 * @param most So many questions go in a wave.
 * @returns Asks one. Who gives up by the signal is told its reason; a wave that nobody waits for is given up.
 */
export function questionWaves<Q, A>(
  send: SendAll<Q, A>,
  drawn: () => Promise<void>,
  most: number,
): (question: Q, signal: AbortSignal) => Promise<A> {
  const waiting: Asked<Q, A>[] = [];
  let going = false;
  const go = async () => {
    going = true;
    await sleep(GATHERING);
    while (waiting.length > 0) {
      const wave = waiting.splice(0, most).filter(({ signal }) => !signal.aborted);
      if (wave.length > 0) await sleep(await answer(wave, send, drawn));
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

/** Has a wave answered and drawn; gives how long the next one waits. */
async function answer<Q, A>(
  wave: Asked<Q, A>[],
  send: SendAll<Q, A>,
  drawn: () => Promise<void>,
): Promise<number> {
  const began = performance.now();
  const outcomes = await sendUnlessGivenUp(wave, send);
  const answered = performance.now();
  for (const [i, { settle }] of wave.entries()) settle(outcomes[i] ?? NO_ANSWER);
  await drawn();
  return pauseAfterWave(answered - began, performance.now() - answered);
}

/** Sends a wave; once all who wait have given up, what is under way is cancelled. */
async function sendUnlessGivenUp<Q, A>(
  wave: Asked<Q, A>[],
  send: SendAll<Q, A>,
): Promise<Outcome<A>[]> {
  const cancelled = new AbortController();
  const look = () => {
    if (wave.every(({ signal }) => signal.aborted)) cancelled.abort();
  };
  for (const { signal } of wave) signal.addEventListener("abort", look);
  try {
    return await send(
      wave.map(({ question }) => question),
      cancelled.signal,
    );
  } catch (error) {
    const failure = messageOf(error);
    return wave.map(() => ({ failure }));
  } finally {
    for (const { signal } of wave) signal.removeEventListener("abort", look);
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
