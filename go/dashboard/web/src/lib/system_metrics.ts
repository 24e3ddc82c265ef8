/** What metrana.init(system_metrics=True) logs of the machine; system_metrics.py names them. */
const PREFIX = "system/";

/** In the order in which they are shown; others come behind. */
const ORDER = ["cpu", "memory", "gpu", "process"];

/** Whether a metric is of the machine, not of what is trained on it. */
export function isOfMachine({ metricName }: { metricName: string }): boolean {
  return metricName.startsWith(PREFIX);
}

/** The metrics that are of the machine: processors, memory, GPUs, then the run's processes. */
export function machineMetrics<T extends { metricName: string }>(metrics: readonly T[]): T[] {
  const rank = ({ metricName }: T) => {
    const place = ORDER.indexOf(metricName.slice(PREFIX.length).split("_")[0] ?? "");
    return place < 0 ? ORDER.length : place;
  };
  return metrics
    .filter(isOfMachine)
    .sort((a, b) => rank(a) - rank(b) || (a.metricName < b.metricName ? -1 : 1));
}
