import { useEffect, useRef } from "preact/hooks";
import type { Limits } from "../lib/cells";
import type { Curve } from "../server/environments";

/** What is drawn of a curve. */
type DrawnCurve = Pick<Curve, "xs" | "means" | "minima" | "maxima" | "notFinite">;

interface Props {
  curve: DrawnCurve | undefined;
  /** What all curves of a grid have in common. */
  x: Limits;
  y: Limits;
  label: string;
}

const WIDTH = 240;
const HEIGHT = 72;

/** One of many small curves with its envelope, on axes that all of them share. */
export function SmallCurve({ curve, x, y, label }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current && curve) draw(canvas.current, curve, x, y);
  }, [curve, x.low, x.high, y.low, y.high]);
  return (
    <canvas ref={canvas} width={2 * WIDTH} height={2 * HEIGHT} role="img" aria-label={label} />
  );
}

function draw(canvas: HTMLCanvasElement, curve: DrawnCurve, x: Limits, y: Limits): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const { width, height } = canvas;
  const across = (v: number) => 4 + ((width - 8) * (v - x.low)) / (x.high - x.low || 1);
  const down = (v: number) => height - 6 - ((height - 12) * (v - y.low)) / (y.high - y.low || 1);
  context.clearRect(0, 0, width, height);
  const colour = getComputedStyle(canvas).color;
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.globalAlpha = 0.18;
  context.beginPath();
  for (const [i, v] of curve.xs.entries()) context.lineTo(across(v), down(curve.maxima[i] ?? 0));
  for (let i = curve.xs.length - 1; i >= 0; i--) {
    context.lineTo(across(curve.xs[i] ?? 0), down(curve.minima[i] ?? 0));
  }
  context.fill();
  context.globalAlpha = 1;
  context.lineWidth = 2.5;
  context.beginPath();
  for (const [i, v] of curve.xs.entries()) context.lineTo(across(v), down(curve.means[i] ?? 0));
  context.stroke();
  for (const v of curve.notFinite) context.fillRect(across(v) - 3, 0, 6, 8);
}
