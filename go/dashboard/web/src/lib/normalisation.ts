import { formatNames, numberOf, parseNames } from "./episode_filter";
import { formatValue } from "./format";

/** What is 0 and what is 1 of a task, an environment, or of everything, whose name is empty. */
export interface Scale {
  of: string;
  /** Null: the least value of its samples. */
  low: number | null;
  /** Null: the greatest. */
  high: number | null;
}

/** What has a scale of its own: nothing, everything together, environments, values of an attribute. */
export type Scaling =
  | { by: "none" | "all" | "environment" }
  | { by: "run attribute" | "environment attribute"; path: string };

/** How samples are put on scales. */
export type Normalisation = Scaling & { scales: Scale[] };

export const AS_LOGGED: Normalisation = { by: "none", scales: [] };

/** What attributes are called in an address, before their paths. */
const PREFIXES = { "run attribute": "run:", "environment attribute": "env:" } as const;

/** What has a scale of its own, in an address. */
export function formatScaling(scaling: Scaling): string {
  return "path" in scaling ? PREFIXES[scaling.by] + scaling.path : scaling.by;
}

/** Reads what `formatScaling` wrote; as logged when it is nothing of the kind. */
export function parseScaling(text: string): Scaling {
  for (const by of ["run attribute", "environment attribute"] as const) {
    const prefix = PREFIXES[by];
    if (text.startsWith(prefix)) return { by, path: text.slice(prefix.length) };
  }
  return { by: text === "all" || text === "environment" ? text : "none" };
}

/** Scales in an address: `reach,0,500;walk,,1`. Those without an end are left out. */
export function formatScales(scales: readonly Scale[]): string {
  return scales
    .filter(({ low, high }) => low !== null || high !== null)
    .map(({ of, low, high }) => `${formatNames([of])},${low ?? ""},${high ?? ""}`)
    .join(";");
}

/** Reads what `formatScales` wrote. */
export function parseScales(text: string): Scale[] {
  if (text === "") return [];
  return text.split(";").map((part) => {
    const [of = "", low, high] = part.split(",", 3);
    return { of: parseNames(of)[0] ?? "", low: numberOf(low), high: numberOf(high) };
  });
}

/** The scales with another end of one. */
export function withScale(scales: readonly Scale[], of: string, end: Partial<Scale>): Scale[] {
  const before = scales.find((s) => s.of === of) ?? { of, low: null, high: null };
  return [...scales.filter((s) => s.of !== of), { ...before, ...end }];
}

/** What has a scale of its own, in words. */
export function scalingTitle(scaling: Scaling): string {
  switch (scaling.by) {
    case "none":
      return "as logged";
    case "all":
      return "one for all";
    case "environment":
      return "each environment";
    case "run attribute":
      return `each ${scaling.path}`;
    case "environment attribute":
      return `each ${scaling.path} of environments`;
  }
}

/** What a scale is of, in words. */
export function scaleName(of: string): string {
  return of === "" ? "(none)" : of;
}

/** Beyond so many scales a figure does not say the ends of each. */
const MOST_SAID = 8;

/** What a figure has to say of its scales, which are known. */
export function normalisationText(asked: Normalisation, scales: readonly Scale[]): string {
  const ends = ({ low, high }: Scale) =>
    `${formatValue(low ?? 0)} is 0 and ${formatValue(high ?? 0)} is 1`;
  if (asked.by === "none") return "Not normalised.";
  if (asked.by === "all") return `Normalised: ${scales.map(ends).join()}.`;
  const joined = asked.by === "environment attribute" ? ", before they are put together" : "";
  const given = asked.scales.length;
  const each =
    scales.length <= MOST_SAID
      ? scales.map((scale) => `of ${scaleName(scale.of)} ${ends(scale)}`).join(", ")
      : `${scales.length} of them, from the least value (0) to the greatest (1)${given > 0 ? `, ${given} by given ends` : ""}`;
  return `Normalised: ${scalingTitle(asked)} on its own${joined}: ${each}.`;
}
