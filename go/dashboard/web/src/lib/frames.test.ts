import { expect, test } from "vitest";
import { frameAtTime, frameOfPart, framesOf, partOfFrame, timeOfFrame } from "./frames";

const parts = [
  { url: "a", fps: 30, frames: 10 },
  { url: "b", fps: 24, frames: 5 },
];

test("frames run on through the parts of an episode", () => {
  expect(framesOf(parts)).toBe(15);
  expect(partOfFrame(parts, 9)).toEqual({ part: 0, frame: 9 });
  expect(partOfFrame(parts, 10)).toEqual({ part: 1, frame: 0 });
  expect(partOfFrame(parts, 99)).toEqual({ part: 1, frame: 4 });
  expect(partOfFrame(parts, -1)).toEqual({ part: 0, frame: 0 });
  for (let n = 0; n < 15; n++) expect(frameOfPart(parts, partOfFrame(parts, n))).toBe(n);
});

test("a frame is found again by its time", () => {
  for (const fps of [15, 23.976, 24, 29.97, 30, 50, 60]) {
    for (let frame = 0; frame < 500; frame++) {
      expect(frameAtTime(frame / fps, fps, 500)).toBe(frame);
      expect(Math.floor(timeOfFrame(frame, fps) * fps)).toBe(frame);
    }
  }
  expect(frameAtTime(99, 30, 10)).toBe(9);
});
