/** What loggers of a run have counted together. */
export interface Totals {
  added: number;
  sent: number;
  dropped: number;
}

/** How many of what was logged are neither delivered nor dropped. */
export function waitingOf({ added, sent, dropped }: Totals): number {
  return Math.max(0, added - sent - dropped);
}

/** Adds up what loggers counted of points; null where none reported. */
export function totalsOf(
  deliveries: readonly {
    counted: readonly { what: string; added: number; sent: number; dropped: number }[];
  }[],
): Totals | null {
  if (deliveries.length === 0) return null;
  const totals = { added: 0, sent: 0, dropped: 0 };
  for (const { what, added, sent, dropped } of deliveries.flatMap((d) => d.counted)) {
    if (!what.startsWith("points")) continue;
    totals.added += added;
    totals.sent += sent;
    totals.dropped += dropped;
  }
  return totals;
}
