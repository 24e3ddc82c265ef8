import { expect, test } from "vitest";
import type { EpisodeMatrix } from "../server/episodes";
import { describeCell, environmentsOfRows, lastEpisodeOf } from "./matrix";

const matrix: EpisodeMatrix = {
  environments: ["a", "c"],
  environmentCounts: new Float64Array([2, 3]),
  firstEpisodes: new Float64Array([0, 5]),
  lastEpisode: 9,
  means: new Float64Array([1, Number.NaN, 3, 4]),
  minima: new Float64Array([0, Number.NaN, 3, 2]),
  maxima: new Float64Array([2, Number.NaN, 3, 6]),
};
const single: EpisodeMatrix = {
  ...matrix,
  environmentCounts: new Float64Array([1, 1]),
  firstEpisodes: new Float64Array([7, 8]),
  lastEpisode: 8,
  minima: new Float64Array(),
  maxima: new Float64Array(),
};

test("columns end where the next one begins", () => {
  expect([lastEpisodeOf(matrix, 0), lastEpisodeOf(matrix, 1)]).toEqual([4, 9]);
});

test("cells tell environment, episodes and value", () => {
  const tell = (of: EpisodeMatrix, row: number, column: number) =>
    describeCell(of, { row, column }, "return");
  expect(tell(matrix, 0, 0)).toBe("a and the 1 after it, episodes 0 to 4: mean return 1, 0 to 2");
  expect(tell(matrix, 0, 1)).toBe("a and the 1 after it, episodes 5 to 9: no finite return");
  expect(tell(single, 1, 0)).toBe("c, episode 7: return 3");
});

test("rows of one environment name it, others are looked up", () => {
  const rows = { firstRow: 1, lastRow: 1, firstColumn: 0, lastColumn: 0 };
  const all = ["a", "b", "c", "d", "e"];
  expect(environmentsOfRows(single, rows, all)).toEqual(["c"]);
  expect(environmentsOfRows(matrix, rows, all)).toEqual(["c", "d", "e"]);
});
