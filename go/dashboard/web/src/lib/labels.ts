/** How a series is called among those of its metric: by its labels. */
export function labelOf(labels: Record<string, string>): string {
  return Object.keys(labels)
    .sort()
    .map((key) => `${key}=${labels[key]}`)
    .join(", ");
}
