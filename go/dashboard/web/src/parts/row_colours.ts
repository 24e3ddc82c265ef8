import { useMemo } from "preact/hooks";
import { useColourBy } from "../colour_by";
import {
  type ColourBy,
  colourByTitle,
  colouredText,
  formatColourBy,
  TAGS_PATH,
} from "../lib/colour_by";
import { coloursOf } from "../lib/run_colours";
import { colourOfValue } from "../lib/value_colours";
import type { ProjectName, RunRow } from "../server/runs";
import { type KnownColours, useValueColours } from "../value_colours";

/** The colour of a row, and what has it. */
export interface RowColour {
  colour: string;
  title: string;
}

/** The colours of a table's rows. */
export interface RowColours {
  /** What they are by; null: runs have their own. */
  by: ColourBy | null;
  values: KnownColours;
  /** Null where there is none. */
  of: (run: RunRow) => RowColour | null;
}

/**
 * The colours of rows: by values, or else those of the curves that are shown beside.
 *
 * @param charted The runs that have curves.
 */
export function useRowColours(
  of: ProjectName,
  rows: ReadonlyMap<number, RunRow>,
  charted: readonly string[],
): RowColours {
  const by = useColourBy();
  const textOf = (run: RunRow) => (by ? colouredText(by, run.attributes.get(by.path)) : "");
  const texts = useMemo(
    () => (by ? [...new Set([...rows.values()].map(textOf))] : []),
    [rows, formatColourBy(by)],
  );
  const values = useValueColours(of, by, texts);
  const own = useMemo(() => coloursOf(charted), [charted.join("\n")]);
  const ofRun = (run: RunRow) => {
    if (by === null) {
      const colour = own.get(run.name);
      return colour === undefined ? null : { colour, title: "The colour of its curves" };
    }
    if (values.colours === null) return null;
    const text = textOf(run);
    const title = `${colourByTitle(by)}: ${text || "none"}`;
    return { colour: colourOfValue(values.colours, text), title };
  };
  return { by, values, of: ofRun };
}

/** The tags that rows have. */
export function tagsOf(rows: ReadonlyMap<number, RunRow>): string[] {
  const tags = new Set<string>();
  for (const { attributes } of rows.values()) {
    const value = attributes.get(TAGS_PATH);
    if (Array.isArray(value)) for (const tag of value) tags.add(tag);
  }
  return [...tags];
}
