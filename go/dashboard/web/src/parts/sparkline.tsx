/** A small curve without axes, drawn as text colour. Its numbers are in the columns beside it. */
export function Sparkline({ means }: { means: ArrayLike<number> | undefined }) {
  if (!means || means.length === 0) return null;
  const values = Array.from(means);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const points = values.map((v, i) => {
    const x = values.length === 1 ? 50 : (100 * i) / (values.length - 1);
    const y = high > low ? 22 - (20 * (v - low)) / (high - low) : 12;
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <svg
      class="sparkline"
      viewBox="0 0 100 24"
      width="100"
      height="24"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <polyline points={points.join(" ")} fill="none" stroke="currentColor" stroke-width="1.5" />
    </svg>
  );
}
