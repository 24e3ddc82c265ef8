import { expect, test } from "vitest";
import {
  asKind,
  formatSmoothing,
  moreSmoothing,
  parseSmoothing,
  SMOOTHING_KINDS,
  SMOOTHINGS,
  smoothed,
} from "./smoothing";

/** Places without gaps. */
const beside = Array.from({ length: 200 }, (_, i) => i);
const noise = Array.from({ length: 200 }, (_, i) => Math.sin(i * i) * 5 + i / 10);

test("the EMA is that of the weights, debiased", () => {
  const got = smoothed([3, 5, 1], beside, { kind: "ema", amount: 0.5 });
  // By hand: each value weighs half of the one behind it, in total 1.
  expect(got[0]).toBe(3);
  expect(got[1]).toBeCloseTo((0.5 * 3 + 1 * 5) / 1.5, 12);
  expect(got[2]).toBeCloseTo((0.25 * 3 + 0.5 * 5 + 1) / 1.75, 12);
});

test("Gaussian smoothing is the mean of all, by the normal density of their distances", () => {
  for (const amount of [0.5, 1, 7.5]) {
    const plain = noise.map((_, i) => {
      const weights = noise.map((_, k) => Math.exp(-((k - i) ** 2) / (2 * amount ** 2)));
      const total = weights.reduce((sum, w) => sum + w, 0);
      return noise.reduce((sum, v, k) => sum + v * (weights[k] ?? 0), 0) / total;
    });
    const got = smoothed(noise, beside, { kind: "gaussian", amount });
    got.forEach((value, i) => {
      expect(Math.abs((value ?? 0) - (plain[i] ?? 0))).toBeLessThan(2e-3);
    });
  }
});

test("the running mean is that of the points on either side, fewer at the ends", () => {
  const got = smoothed(noise, beside, { kind: "running", amount: 4 });
  got.forEach((value, i) => {
    const around = noise.slice(Math.max(0, i - 4), i + 5);
    expect(value).toBeCloseTo(around.reduce((sum, v) => sum + v, 0) / around.length, 12);
  });
  expect(smoothed([1, 2, 6], beside, { kind: "running", amount: 1 })).toEqual([1.5, 3, 4]);
});

test.each(SMOOTHING_KINDS)("%s: what is constant stays, gaps weigh nothing", (kind) => {
  const amount = SMOOTHINGS[kind].most;
  for (const value of smoothed([7, 7, 7, 7], beside, { kind, amount }))
    expect(value).toBeCloseTo(7, 10);
  const [first, gap, last] = smoothed([1, null, 3], beside, { kind, amount });
  expect(gap).toBeNull();
  expect([first, last]).toEqual(smoothed([1, 3], [0, 2], { kind, amount }));
  expect(smoothed([1, null, 3], beside, { kind, amount: 0 })).toEqual([1, null, 3]);
});

test("the key goes to more and comes back to none; kinds are changed at the same level", () => {
  expect(moreSmoothing({ kind: "ema", amount: 0.5 }).amount).toBe(0.6);
  expect(moreSmoothing({ kind: "running", amount: 30 })).toEqual({ kind: "running", amount: 0 });
  expect(asKind({ kind: "ema", amount: 0.95 }, "gaussian")).toEqual({
    kind: "gaussian",
    amount: 3,
  });
  expect(asKind({ kind: "ema", amount: 0 }, "running").amount).toBe(1);
});

test("an address keeps smoothing; what makes no sense is none", () => {
  for (const kind of SMOOTHING_KINDS) {
    const smoothing = { kind, amount: 0.5 };
    expect(parseSmoothing(formatSmoothing(smoothing))).toEqual(smoothing);
  }
  for (const text of ["smooth=1", "smooth=", "gaussian=-1", "running=x", "mean", ""]) {
    expect(parseSmoothing(text)).toBeNull();
  }
});

test("values across a gap weigh by their distance", () => {
  const [, ema] = smoothed([2, 8], [5, 8], { kind: "ema", amount: 0.5 });
  expect(ema).toBeCloseTo((0.125 * 2 + 8) / 1.125, 12);
  const [left, right] = smoothed([2, 8], [5, 8], { kind: "gaussian", amount: 3 });
  const far = Math.exp(-0.5);
  expect(left).toBeCloseTo((2 + far * 8) / (1 + far), 12);
  expect(right).toBeCloseTo((far * 2 + 8) / (1 + far), 12);
  expect(smoothed([2, 8, 5], [0, 3, 5], { kind: "running", amount: 2 })).toEqual([2, 6.5, 6.5]);
});
