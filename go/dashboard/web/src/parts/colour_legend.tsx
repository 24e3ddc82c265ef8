import { GREY, PALETTE_SIZE } from "../lib/colour";
import { type ColourBy, colourByTitle } from "../lib/colour_by";
import { formatCount } from "../lib/format";
import { colourKey } from "../lib/value_colours";
import type { KnownColours } from "../value_colours";
import { Swatch } from "./swatch";

interface Props {
  by: ColourBy;
  values: KnownColours;
  /** The values that runs have which are shown; undefined: all runs of the project. */
  texts?: readonly string[];
}

/** Which value has which colour, and what has none. */
export function ColourLegend({ by, values: { colours, failure, unseen }, texts }: Props) {
  if (failure !== null) {
    return (
      <p class="note failed" role="alert">
        Colours by {colourByTitle(by)}: {failure}
      </p>
    );
  }
  if (!colours) return null;
  const key = colourKey(colours, texts ?? colours.counts.keys());
  return (
    <ul class="legend colours" aria-label={`Colours by ${colourByTitle(by)}`}>
      <li class="faint">{colourByTitle(by)}</li>
      {key.named.map(({ text, colour }) => (
        <li key={text} title={text}>
          <Swatch colour={colour} />
          <span class="name">{text}</span>
        </li>
      ))}
      {key.none && (
        <li>
          <Swatch colour={GREY} />
          none
        </li>
      )}
      {key.others > 0 && (
        <li>
          <Swatch colour={GREY} />
          {formatCount(key.others)} other values: there are {PALETTE_SIZE} colours, for the values
          that most runs have
        </li>
      )}
      {unseen > 0 && <li class="faint">{formatCount(unseen)} more runs were not looked at</li>}
    </ul>
  );
}
