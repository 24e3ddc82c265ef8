/** What tells a metric from all others of a run. */
export const metricKey = (m: { metricName: string; scale: string }) => `${m.metricName} ${m.scale}`;
