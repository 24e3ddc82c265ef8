import { expect, test } from "vitest";
import { chartLines, type DrawableCurve } from "./chart_lines";
import { chartToSvg } from "./chart_svg";

const CURVE: DrawableCurve = {
  run: "<script>alert(1)</script>",
  labels: 'a="b"',
  labelValues: { a: '"b"' },
  grid: { first: 0, last: 1, width: 1, count: 2, whole: true },
  xs: [0, 1],
  counts: [1, 1],
  means: [0, 10],
  minima: [0, 9],
  maxima: [1, 11],
  lasts: [0, 10],
  nans: [0],
  infinities: [2],
  negativeInfinities: [0.5],
};
/** A chart of a curve, from corner to corner of its ranges. */
function svgOf(
  curve: DrawableCurve,
  { band, x, y, log }: { band: boolean; x: [number, number]; y: [number, number]; log: boolean },
): string {
  const { xs, lines } = chartLines(
    [curve],
    { value: "mean", smoothing: { kind: "ema", amount: 0 } },
    1,
  );
  return chartToSvg({
    title: "<b>loss</b> & more",
    description: "how <it> was made",
    xs,
    lines: lines.map((line) => ({
      ...line,
      colour: "#123456",
      band: band ? { low: line.low, high: line.high } : null,
      faint: false,
    })),
    x: { title: "step", range: x, log: false, ticks: [{ at: 1, label: "<1>" }] },
    y: { range: y, log },
    threshold: null,
  });
}

test("a chart is drawn from corner to corner, and names are text", () => {
  const svg = svgOf(CURVE, { band: true, x: [0, 1], y: [0, 10], log: false });
  expect(svg).toContain('d="M70,314L704,34"');
  expect(svg).toContain("&lt;b&gt;loss&lt;/b&gt; &amp; more");
  expect(svg).toContain("<desc>how &lt;it&gt; was made</desc>");
  expect(svg).toContain('x="704" y="332" text-anchor="middle" fill="#5c6675">&lt;1&gt;</text>');
  expect(svg).toContain("a=&quot;b&quot;");
  expect(svg).not.toContain("<b>");
  expect(svg).toContain('d="M65,34L75,34L70,42Z"'); // NaN
  expect(svg).toContain('d="M387,309L392,314'); // −∞, at the bottom
  expect(svg).not.toContain('d="M1338,'); // ∞ beyond what is shown
});

test("what is far out of sight is written in numbers that readers take", () => {
  const curve = { ...CURVE, means: [0, 1e300], minima: [0, 1e300], maxima: [0, 1e300] };
  const svg = svgOf(curve, { band: false, x: [0, 1], y: [0, 10], log: false });
  expect(svg).toContain('d="M70,314L704,-30000"');
});

test("on a logarithmic axis what is not positive is left out", () => {
  const svg = svgOf(CURVE, { band: false, x: [0, 1], y: [1, 10], log: true });
  expect(svg).toContain('d="M704,34"');
});

test("between positive values that others lie between, there is a gap", () => {
  const xs = [0, 1, 2, 3, 4];
  const means = [10, 100, -1, 10, 100];
  const curve = { ...CURVE, xs, means, minima: means, maxima: means };
  const svg = svgOf(curve, { band: false, x: [0, 4], y: [10, 100], log: true });
  expect(svg).toContain('d="M70,314L228.5,34M545.5,314L704,34"');
});

test("samples are pale and have no place in the legend; a threshold goes across", () => {
  const line = {
    label: "",
    colour: "#123456",
    values: [0, 1],
    raw: null,
    band: null,
    faint: true,
    nans: [],
    infinities: [],
    negativeInfinities: [],
  };
  const svg = chartToSvg({
    title: "",
    description: "",
    xs: [0, 1],
    lines: [line],
    x: { title: "", range: [0, 1], log: false, ticks: [] },
    y: { range: [0, 1], log: false },
    threshold: 0.5,
  });
  expect(svg).toContain('stroke-width="1" stroke-opacity="0.35"');
  expect(svg).toContain('y1="174" y2="174" stroke="#5c6675" stroke-dasharray="5"');
  expect(svg).toContain('viewBox="0 0 720 360"');
});
