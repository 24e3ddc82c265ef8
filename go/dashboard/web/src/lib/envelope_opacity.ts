/**
 * How opaque the envelope of one of so many lines is: the more lie over each other the less,
 * so that lines stay visible below them.
 */
export function envelopeOpacity(lines: number): number {
  return 0.18 / Math.sqrt(Math.max(lines, 1));
}

/** A colour written as #rrggbb, as opaque as that. */
export function translucent(colour: string, opacity: number): string {
  return `${colour}${Math.round(255 * opacity)
    .toString(16)
    .padStart(2, "0")}`;
}
