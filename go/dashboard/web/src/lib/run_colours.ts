import { colourOf, PALETTE_SIZE } from "./colour";

/**
 * A colour for each name, by the name and not by its place, so that a run has the same one
 * on every page. Where two names would have the same the later one, in alphabetical
 * order, takes the next that is free.
 */
export function coloursOf(names: readonly string[]): Map<string, string> {
  const colours = new Map<string, string>();
  const taken = new Set<number>();
  for (const name of [...new Set(names)].sort()) {
    if (taken.size === PALETTE_SIZE) taken.clear();
    let place = hash(name) % PALETTE_SIZE;
    while (taken.has(place)) place = (place + 1) % PALETTE_SIZE;
    taken.add(place);
    colours.set(name, colourOf(place));
  }
  return colours;
}

/** FNV-1a, 32 bits (Fowler, Noll and Vo). */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
