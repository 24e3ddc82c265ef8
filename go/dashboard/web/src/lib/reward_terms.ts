/** A term of a reward along the xs of a chart; null where it has no point. */
export interface Term {
  name: string;
  values: readonly (number | null)[];
}

/** What a term adds to those below it: an area. */
export interface StackedTerm {
  name: string;
  /** What it came to at each x. */
  values: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
  /** The end of the area that is farther from 0. */
  edge: (number | null)[];
}

/** Terms on each other, the positive ones upwards from 0 and the negative ones downwards. */
export interface Stack {
  terms: StackedTerm[];
  total: (number | null)[];
}

/** How many terms have an area of their own; the others of each sign share one. */
export const MOST_TERMS = 8;
/** A term is of one sign when what it has of the other is below this part of the rest. */
const TOLERANCE = 0.05;

/**
 * Stacks terms, greatest first; null when one of them changes its sign: areas would jump
 * from one side to the other. What little a term has of the other sign counts in the total.
 */
export function stacked(terms: readonly Term[]): Stack | null {
  const signed = terms.map((term) => ({ ...term, sign: signOf(term.values), size: sizeOf(term) }));
  if (signed.some(({ sign }) => sign === null)) return null;
  signed.sort((a, b) => b.size - a.size);
  const shown = [...signed.slice(0, MOST_TERMS), ...othersOf(signed.slice(MOST_TERMS))];
  const n = terms[0]?.values.length ?? 0;
  const ends = { up: new Array<number>(n).fill(0), down: new Array<number>(n).fill(0) };
  return {
    terms: shown.map(({ name, values, sign }) =>
      onTop(name, values, sign === -1 ? ends.down : ends.up, sign ?? 1),
    ),
    total: sumOf(terms),
  };
}

/** The greatest terms, for lines. */
export function greatest(terms: readonly Term[]): Term[] {
  return terms.toSorted((a, b) => sizeOf(b) - sizeOf(a)).slice(0, MOST_TERMS);
}

/** The sign of a term; null when it has both. */
function signOf(values: readonly (number | null)[]): 1 | -1 | null {
  let [up, down] = [0, 0];
  for (const v of values) {
    if (v !== null && v > 0) up += v;
    else if (v !== null) down -= v;
  }
  if (Math.min(up, down) > TOLERANCE * Math.max(up, down)) return null;
  return up >= down ? 1 : -1;
}

function sizeOf({ values }: Term): number {
  return values.reduce<number>((sum, v) => sum + Math.abs(v ?? 0), 0);
}

function othersOf<T extends Term & { sign: 1 | -1 | null }>(rest: readonly T[]) {
  return ([1, -1] as const).flatMap((sign) => {
    const of = rest.filter((term) => term.sign === sign);
    if (of.length === 0) return [];
    const name = `${of.length} more ${sign > 0 ? "positive" : "negative"}`;
    return [{ name, values: sumOf(of), sign }];
  });
}

/** The sum at each x; null where no term has a point. */
function sumOf(terms: readonly Term[]): (number | null)[] {
  const n = terms[0]?.values.length ?? 0;
  return Array.from({ length: n }, (_, i) =>
    terms.reduce<number | null>((sum, { values }) => {
      const v = values[i] ?? null;
      return v === null ? sum : (sum ?? 0) + v;
    }, null),
  );
}

/** Puts a term on those before it, which end at `ends`; a gap adds nothing. */
function onTop(
  name: string,
  values: readonly (number | null)[],
  ends: number[],
  sign: 1 | -1,
): StackedTerm {
  const from = [...ends];
  for (const [i, v] of values.entries()) {
    ends[i] = (ends[i] ?? 0) + sign * Math.max(0, sign * (v ?? 0));
  }
  const to = [...ends];
  const [low, high] = sign > 0 ? [from, to] : [to, from];
  return { name, values: [...values], low, high, edge: to };
}
