import { expect, test } from "vitest";
import { counts, floats, times, withGaps } from "./columns";

/** Bytes that begin where no typed array may. */
function shifted(bytes: ArrayBuffer): Uint8Array {
  const whole = new Uint8Array(bytes.byteLength + 3);
  whole.set(new Uint8Array(bytes), 3);
  return whole.subarray(3);
}

test("columns are read wherever they begin", () => {
  expect([...floats(shifted(new Float64Array([1.5, -2]).buffer))]).toEqual([1.5, -2]);
  expect([...counts(shifted(new BigUint64Array([7n, 1n << 40n]).buffer))]).toEqual([7, 2 ** 40]);
  expect([...times(shifted(new BigInt64Array([-5n]).buffer))]).toEqual([-5]);
  expect([...floats(new Uint8Array())]).toEqual([]);
});

test("half a number is no column", () => {
  expect(() => floats(new Uint8Array(12))).toThrow("12 bytes");
});

test("what is not finite is a gap", () => {
  expect(withGaps(new Float64Array([1, Number.NaN, Number.POSITIVE_INFINITY]))).toEqual([
    1,
    null,
    null,
  ]);
});
