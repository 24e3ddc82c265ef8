/** The name of a file with a metric's numbers or picture. */
export function fileName(metric: string, ending: string): string {
  return `${metric.replace(/[^\p{L}\p{N}._-]+/gu, "_")}.${ending}`;
}
