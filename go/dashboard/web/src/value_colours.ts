import { useEffect } from "preact/hooks";
import { useAnswer } from "./ask";
import { type ColourBy, colouredText, formatColourBy } from "./lib/colour_by";
import { type ValueColours, valueColours } from "./lib/value_colours";
import { listRunValues, type ProjectName } from "./server/runs";

/** The colours of the values that runs of a project have, as far as they are known. */
export interface KnownColours {
  colours: ValueColours | null;
  /** Why they are not known. */
  failure: string | null;
  /** How many runs were left out. */
  unseen: number;
}

const NOT_YET: KnownColours = { colours: null, failure: null, unseen: 0 };

/**
 * The colours of values: by all runs of the project, whichever are shown, so that they stay.
 *
 * @param shown Values that runs have now. They are all asked for anew when one appears that
 *   no run had.
 */
export function useValueColours(
  of: ProjectName,
  by: ColourBy | null,
  shown: readonly string[],
): KnownColours {
  const key = formatColourBy(by);
  const { value, failure, again } = useAnswer(
    async (signal) => {
      if (by === null) return null;
      const { rows, total } = await listRunValues(of, by.path, "", signal);
      const colours = valueColours(rows.map(({ value }) => colouredText(by, value)));
      return { key, colours, unseen: total - rows.length };
    },
    [of.workspace, of.project, key],
  ).value;
  const known = value?.key === key ? value : null;
  const unknown = known ? shown.filter((text) => !known.colours.counts.has(text)) : [];
  const appeared = [...new Set(unknown)].sort().join("\n");
  useEffect(() => {
    if (appeared !== "") again();
  }, [appeared]);
  if (by === null) return NOT_YET;
  return { colours: known?.colours ?? null, failure, unseen: known?.unseen ?? 0 };
}
