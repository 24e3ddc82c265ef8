import { useMemo } from "preact/hooks";
import { useAnswer } from "./ask";
import { useColourBy } from "./colour_by";
import { GREY } from "./lib/colour";
import { type ColourBy, colouredText, formatColourBy } from "./lib/colour_by";
import { namedOneOf } from "./lib/query_text";
import { coloursOf } from "./lib/run_colours";
import { colourOfValue } from "./lib/value_colours";
import type { RunNames } from "./server/curves";
import { listRunValues } from "./server/runs";
import { type KnownColours, useValueColours } from "./value_colours";

/** The colours of runs. */
export interface RunColours {
  /** What they are by; null: each run has one of its own. */
  by: ColourBy | null;
  of: (run: string) => string;
  values: KnownColours;
  /** The values that the runs have. */
  texts: readonly string[];
}

/**
 * The colours of runs: their own, or those of their values.
 *
 * @param version Grows when their attributes may be others.
 */
export function useRunColours(names: RunNames, version: number): RunColours {
  const by = useColourBy();
  const key = formatColourBy(by);
  const { workspace, project, runs } = names;
  const own = useMemo(() => coloursOf(runs), [runs.join("\n")]);
  const asked = useAnswer(
    async (signal) => {
      if (by === null) return null;
      const { rows } = await listRunValues(names, by.path, namedOneOf(runs), signal);
      return { key, texts: new Map(rows.map((r) => [r.run, colouredText(by, r.value)])) };
    },
    [workspace, project, runs.join("\n"), key],
    version,
  ).value.value;
  const texts = asked?.key === key ? asked.texts : new Map<string, string>();
  const values = useValueColours(names, by, [...texts.values()]);
  const ofValue = (run: string) => {
    const text = texts.get(run);
    return text === undefined || !values.colours ? GREY : colourOfValue(values.colours, text);
  };
  return {
    by,
    of: by === null ? (run) => own.get(run) ?? GREY : ofValue,
    values,
    texts: [...texts.values()],
  };
}
