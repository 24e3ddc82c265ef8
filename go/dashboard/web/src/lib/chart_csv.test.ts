import { expect, test } from "vitest";
import { curvesToCsv } from "./chart_csv";

const curve = (run: string, labels: string) => ({
  run,
  labels,
  labelValues: {},
  grid: { first: 0, last: 14, width: 10, count: 2, whole: true },
  xs: [0, 10],
  counts: [10, 5],
  means: [0.1, 1e-9],
  minima: [0, 0],
  maxima: [1, 1],
  lasts: [0.5, 0.25],
  nans: [],
  infinities: [],
  negativeInfinities: [],
});

test("each bucket is a row", () => {
  const rows = curvesToCsv("loss", "step", [curve("a", "")]).split("\r\n");
  expect(rows[0]).toBe("metric,run,labels,step,count,mean,min,max,last");
  expect(rows[2]).toBe("loss,a,,10,5,1e-9,0,1,0.25");
  expect(rows).toHaveLength(4);
});

test("names are quoted, and are never formulas", () => {
  const rows = curvesToCsv('a"b', "step", [curve("=HYPERLINK(1)", "x=1, y=2")]).split("\r\n");
  expect(rows[1]).toBe(`"a""b",'=HYPERLINK(1),"x=1, y=2",0,10,0.1,0,1,0.5`);
});
