import { type ColourBy, parseColourBy } from "./lib/colour_by";
import { TEXT, useParam } from "./params";

/** What the address says that runs are coloured by; null: each has a colour of its own. */
export function useColourBy(): ColourBy | null {
  const colour = useParam("colour", TEXT).value;
  const group = useParam("group", TEXT).value;
  return parseColourBy(colour, group);
}
