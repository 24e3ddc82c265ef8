import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { drawnTogether, type Outcome, pauseAfterWave, questionWaves } from "./question_waves";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const never = new AbortController().signal;

/** Waves that take so long to answer and to draw, and what was sent when. */
function waves({ answering = 10, drawing = 50, most = 100 } = {}) {
  const sent: { at: number; questions: string[]; signal: AbortSignal }[] = [];
  const began = performance.now();
  const after = (milliseconds: number) => new Promise<void>((end) => setTimeout(end, milliseconds));
  const ask = questionWaves<string, string>(
    async (questions, signal) => {
      sent.push({ at: performance.now() - began, questions, signal });
      await after(answering);
      return questions.map(
        (question): Outcome<string> =>
          question === "bad" ? { failure: "no such run" } : { answer: question.toUpperCase() },
      );
    },
    () => after(drawing),
    most,
  );
  return { ask, sent };
}

describe("questionWaves", () => {
  it("sends the questions of a moment together and answers each", async () => {
    const { ask, sent } = waves();
    const answers = ["a", "b", "c"].map((question) => ask(question, never));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await Promise.all(answers)).toEqual(["A", "B", "C"]);
    expect(sent.map(({ questions }) => questions)).toEqual([["a", "b", "c"]]);
  });

  it("waits three times as long as drawing took, and takes what arose meanwhile along", async () => {
    const { ask, sent } = waves({ answering: 10, drawing: 50 });
    void ask("a", never);
    await vi.advanceTimersByTimeAsync(40);
    void ask("b", never);
    await vi.advanceTimersByTimeAsync(60);
    void ask("c", never);
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent.map(({ at, questions }) => [at, questions])).toEqual([
      [20, ["a"]],
      [20 + 10 + 50 + 150, ["b", "c"]],
    ]);
  });

  it("asks at once again after a rest", async () => {
    const { ask, sent } = waves();
    void ask("a", never);
    await vi.advanceTimersByTimeAsync(5000);
    void ask("b", never);
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent.map(({ at }) => at)).toEqual([20, 5020]);
  });

  it("tells who asked for what failed, and no one else", async () => {
    const { ask } = waves();
    const [good, bad] = [ask("good", never), ask("bad", never)];
    const refused = expect(bad).rejects.toThrow("no such run");
    await vi.advanceTimersByTimeAsync(100);
    await refused;
    expect(await good).toBe("GOOD");
  });

  it("tells everyone when the server is not there, and goes on", async () => {
    let there = false;
    const ask = questionWaves<string, string>(
      async (questions) => {
        if (!there) throw new Error("connection refused");
        return questions.map((answer) => ({ answer }));
      },
      async () => {},
      100,
    );
    const refused = [ask("a", never), ask("b", never)].map((answer) =>
      expect(answer).rejects.toThrow("connection refused"),
    );
    await vi.advanceTimersByTimeAsync(100);
    await Promise.all(refused);
    there = true;
    const answer = ask("a", never);
    await vi.advanceTimersByTimeAsync(100);
    expect(await answer).toBe("a");
  });

  it("does not send what was given up, and cancels a wave that nobody waits for", async () => {
    const { ask, sent } = waves({ answering: 100 });
    const [early, one, two] = [new AbortController(), new AbortController(), new AbortController()];
    const given = [early, one, two].map(({ signal }, i) =>
      expect(ask(`${i}`, signal)).rejects.toThrow("gone"),
    );
    early.abort(new Error("gone"));
    await vi.advanceTimersByTimeAsync(50);
    expect(sent.map(({ questions }) => questions)).toEqual([["1", "2"]]);
    one.abort(new Error("gone"));
    expect(sent[0]?.signal.aborted).toBe(false);
    two.abort(new Error("gone"));
    expect(sent[0]?.signal.aborted).toBe(true);
    await Promise.all(given);
    await expect(ask("late", early.signal)).rejects.toThrow("gone");
  });

  it("sends many in several requests, side by side", async () => {
    const { ask, sent } = waves({ most: 2 });
    for (const question of ["a", "b", "c"]) void ask(question, never);
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent.map(({ at, questions }) => [at, questions])).toEqual([
      [20, ["a", "b"]],
      [20, ["c"]],
    ]);
  });

  it("draws so many answers at a time as a frame may take", async () => {
    const drawings: number[] = [];
    let answers = 0;
    const ask = questionWaves<number, number>(
      async (questions) => questions.map((answer) => ({ answer })),
      () =>
        new Promise((end) => {
          setTimeout(() => {
            drawings.push(answers);
            setTimeout(end, 19 * answers); // each takes 19 ms
            answers = 0;
          });
        }),
      100,
    );
    const wave = () => {
      for (let i = 0; i < 45; i++) void ask(i, never).then(() => answers++);
    };
    wave();
    await vi.advanceTimersByTimeAsync(3000);
    expect(drawings).toEqual([20, 10, 10, 5]);
    wave();
    await vi.advanceTimersByTimeAsync(3000);
    expect(drawings.slice(4)).toEqual([10, 10, 10, 10, 5]);
  });
});

describe("drawnTogether", () => {
  it("is a few at least", () => {
    expect([0.5, 2, 20, 1000].map(drawnTogether)).toEqual([400, 100, 10, 4]);
  });
});

describe("pauseAfterWave", () => {
  it("follows what drawing costs: a quarter of the time, for points to come soon half of it", () => {
    const pauses = [20, 100, 400, 2000, 60_000].map((drawing) => pauseAfterWave(0, drawing));
    expect(pauses).toEqual([60, 300, 1000, 2000, 5000]);
  });

  it("asks a server half of the time", () => {
    const pauses = [400, 2000, 60_000].map((answering) => pauseAfterWave(answering, 20));
    expect(pauses).toEqual([400, 2000, 5000]);
  });
});
