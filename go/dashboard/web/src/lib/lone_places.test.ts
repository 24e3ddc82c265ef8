import { describe, expect, it } from "vitest";
import { lonePlaces } from "./lone_places";

describe("lonePlaces", () => {
  it("is null where each value has a neighbour", () => {
    expect(lonePlaces([1, 2, null, 3, undefined, 4])).toBeNull();
    expect(lonePlaces([])).toBeNull();
    expect(lonePlaces([undefined, null])).toBeNull();
  });

  it("finds the only value of a line", () => {
    expect(lonePlaces([undefined, undefined, 7, undefined])).toEqual([2]);
  });

  it("finds values between gaps, at both ends, and over places without a value", () => {
    expect(lonePlaces([1, null, 2, 3, null, undefined, 4, undefined, null, 5])).toEqual([0, 6, 9]);
  });
});
