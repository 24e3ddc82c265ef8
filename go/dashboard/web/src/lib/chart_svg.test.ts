import { expect, test } from "vitest";
import { chartLines, type DrawableCurve } from "./chart_lines";
import { chartToSvg } from "./chart_svg";

const CURVE: DrawableCurve = {
  run: "<script>alert(1)</script>",
  labels: 'a="b"',
  labelValues: { a: '"b"' },
  xs: [0, 1],
  ends: [0, 1],
  counts: [1, 1],
  means: [0, 10],
  minima: [0, 9],
  maxima: [1, 11],
  lasts: [0, 10],
  nans: [0],
  infinities: [2],
  negativeInfinities: [0.5],
};
const lines = chartLines([CURVE], { value: "mean", smoothing: 0 }, 1);

test("a chart is drawn from corner to corner, and names are text", () => {
  const svg = chartToSvg({
    title: "<b>loss</b> & more",
    axis: "step",
    lines,
    colours: ["#123456"],
    band: true,
    x: { range: [0, 1], log: false },
    y: { range: [0, 10], log: false },
  });
  expect(svg).toContain('d="M70,314L704,34"');
  expect(svg).toContain("&lt;b&gt;loss&lt;/b&gt; &amp; more");
  expect(svg).toContain("a=&quot;b&quot;");
  expect(svg).not.toContain("<b>");
  expect(svg).toContain('d="M70,34m-5,0h10l-5,8Z"'); // NaN
  expect(svg).toContain('d="M387,314m0,-5'); // −∞, at the bottom
  expect(svg).not.toContain('d="M1338,'); // ∞ beyond what is shown
});

test("on a logarithmic axis what is not positive is left out", () => {
  const svg = chartToSvg({
    title: "",
    axis: "step",
    lines,
    colours: ["#123456"],
    band: false,
    x: { range: [0, 1], log: false },
    y: { range: [1, 10], log: true },
  });
  expect(svg).toContain('d="M704,34"');
});

test("between positive values that others lie between, there is a gap", () => {
  const xs = [0, 1, 2, 3, 4];
  const means = [10, 100, -1, 10, 100];
  const curve = { ...CURVE, xs, means, minima: means, maxima: means };
  const svg = chartToSvg({
    title: "",
    axis: "step",
    lines: chartLines([curve], { value: "mean", smoothing: 0 }, 1),
    colours: ["#123456"],
    band: false,
    x: { range: [0, 4], log: false },
    y: { range: [10, 100], log: true },
  });
  expect(svg).toContain('d="M70,314L228.5,34M545.5,314L704,34"');
});
