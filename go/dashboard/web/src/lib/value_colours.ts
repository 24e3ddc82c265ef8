import { GREY, PALETTE_SIZE } from "./colour";
import { coloursOf } from "./run_colours";

const inOrder = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true });

/** The colours that values have. */
export interface ValueColours {
  /** Of the values that have one. */
  colours: ReadonlyMap<string, string>;
  /** How many runs have each value; the empty one is that of runs that have none. */
  counts: ReadonlyMap<string, number>;
}

/**
 * Colours of values, of which those that most runs have get one where there are more than
 * colours. They are by the values themselves, as those of runs by their names.
 *
 * @param texts The value of each run of a project, so that all pages have the same colours.
 */
export function valueColours(texts: Iterable<string>): ValueColours {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const often = [...counts]
    .filter(([text]) => text !== "")
    .sort(([a, n], [b, m]) => m - n || inOrder(a, b))
    .slice(0, PALETTE_SIZE);
  return { colours: coloursOf(often.map(([text]) => text)), counts };
}

/** The colour of a value. */
export function colourOfValue({ colours }: ValueColours, text: string): string {
  return colours.get(text) ?? GREY;
}

/** What a legend says of the values that are shown. */
export interface ColourKey {
  named: { text: string; colour: string }[];
  /** How many values have no colour. */
  others: number;
  /** Whether some runs have no value. */
  none: boolean;
}

/** The legend of values, in the order of numbers and letters. */
export function colourKey({ colours }: ValueColours, texts: Iterable<string>): ColourKey {
  const shown = [...new Set(texts)].sort(inOrder);
  const named = shown.flatMap((text) => {
    const colour = colours.get(text);
    return colour === undefined ? [] : [{ text, colour }];
  });
  const none = shown.includes("");
  return { named, others: shown.length - named.length - (none ? 1 : 0), none };
}
