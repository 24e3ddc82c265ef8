// Times of day are UTC on every page: whoever reads them together sees the same ones.

/** A moment, in milliseconds since 1970, to the second; what it stands under says UTC. */
export function formatMoment(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ");
}

/** A moment to the millisecond, with its time zone. */
export function exactMoment(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, -1).replace("T", " ")} UTC`;
}
