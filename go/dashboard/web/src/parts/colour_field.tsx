import { BY_GROUP, formatColourBy, parseColourBy } from "../lib/colour_by";
import { columnTitle } from "../lib/run_columns";
import { setParams, TEXT, useParam } from "../params";
import { AttributeOptions } from "./attribute_options";

interface Props {
  paths: readonly string[];
  /** The tags that runs are known to have. */
  tags: readonly string[];
}

/** Chooses what runs are coloured by. */
export function ColourField({ paths, tags }: Props) {
  const colour = useParam("colour", TEXT).value;
  const group = useParam("group", TEXT).value;
  const byGroup = colour === BY_GROUP;
  const by = parseColourBy(colour, group);
  const tag = by?.tag ?? null;
  const offered = [...new Set(tag === null ? tags : [...tags, tag])].sort();
  return (
    <label>
      Colour by
      <select value={colour} onChange={(event) => setParams({ colour: event.currentTarget.value })}>
        <option value="">run</option>
        {(byGroup || group !== "") && (
          <option value={BY_GROUP}>
            group ({columnTitle({ kind: "attribute", path: group || "none" })})
          </option>
        )}
        <AttributeOptions paths={paths} chosen={tag === null && !byGroup ? (by?.path ?? "") : ""} />
        {offered.length > 0 && (
          <optgroup label="Whether it has the tag">
            {offered.map((name) => (
              <option key={name} value={formatColourBy({ path: "", tag: name })}>
                {name}
              </option>
            ))}
          </optgroup>
        )}
      </select>
    </label>
  );
}
