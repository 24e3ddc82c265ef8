/** Values of a line; null is a gap. */
type Values = readonly (number | null)[];

/** How lines may be smoothed: looking back, or around each point. */
export type SmoothingKind = "ema" | "gaussian" | "running";

/** A way to smooth lines, and how much; an amount of 0 changes nothing. */
export interface Smoothing {
  kind: SmoothingKind;
  amount: number;
}

/** What amounts of a kind mean, and which a slider and a key offer. */
interface KindOfSmoothing {
  title: string;
  /** What its amount is, to be said beside it. */
  explanation: string;
  most: number;
  step: number;
  /** Amounts that a key goes through, ascending. */
  levels: readonly number[];
  apply: (values: readonly number[], amount: number) => number[];
}

export const SMOOTHINGS: Record<SmoothingKind, KindOfSmoothing> = {
  ema: {
    title: "EMA",
    explanation:
      "Weight of what came before in an exponential moving average, without its bias at the beginning",
    most: 0.99,
    step: 0.01,
    levels: [0, 0.6, 0.9, 0.97, 0.99],
    apply: debiasedEma,
  },
  gaussian: {
    title: "Gaussian",
    explanation: "Standard deviation, in points of the chart, of the weights around each point",
    most: 50,
    step: 0.5,
    levels: [0, 1, 3, 8, 20],
    apply: gaussian,
  },
  running: {
    title: "running mean",
    explanation: "How many points of the chart on either side each point is the mean with",
    most: 50,
    step: 1,
    levels: [0, 1, 3, 10, 30],
    apply: runningMean,
  },
};

export const SMOOTHING_KINDS = Object.keys(SMOOTHINGS) as SmoothingKind[];

/** Values smoothed. Gaps, and what is not finite, stay gaps and weigh nothing. */
export function smoothed(values: Values, { kind, amount }: Smoothing): (number | null)[] {
  if (amount <= 0) return [...values];
  const places: number[] = [];
  const present: number[] = [];
  values.forEach((value, i) => {
    if (value === null || !Number.isFinite(value)) return;
    places.push(i);
    present.push(value);
  });
  const out = new Array<number | null>(values.length).fill(null);
  SMOOTHINGS[kind].apply(present, amount).forEach((value, k) => {
    out[places[k] ?? 0] = value;
  });
  return out;
}

/**
 * The exponential moving average, without the pull towards zero that it has at its
 * beginning: s_t = w s_{t-1} + (1 - w) x_t, divided by 1 - w^t (Kingma and Ba, Adam, 2015,
 * section 3).
 */
function debiasedEma(values: readonly number[], weight: number): number[] {
  let sum = 0;
  let missing = 1; // w^t
  return values.map((value) => {
    sum = weight * sum + (1 - weight) * value;
    missing *= weight;
    return sum / (1 - missing);
  });
}

/** Beyond so many standard deviations nothing weighs: less than 4e-4 of the value itself. */
const TAIL = 4;

function gaussian(values: readonly number[], deviation: number): number[] {
  const reach = Math.ceil(TAIL * deviation);
  const weights = Array.from({ length: reach + 1 }, (_, k) =>
    Math.exp(-((k / deviation) ** 2) / 2),
  );
  return weighted(values, weights);
}

function runningMean(values: readonly number[], reach: number): number[] {
  return weighted(values, new Array<number>(Math.round(reach) + 1).fill(1));
}

/** Means of each value and those around it, by weights of their distances; fewer at the ends. */
function weighted(values: readonly number[], weights: readonly number[]): number[] {
  const reach = weights.length - 1;
  return values.map((_, i) => {
    let [sum, weight] = [0, 0];
    for (let k = Math.max(0, i - reach); k <= Math.min(values.length - 1, i + reach); k++) {
      const w = weights[Math.abs(k - i)] ?? 0;
      sum += w * (values[k] ?? 0);
      weight += w;
    }
    return sum / weight;
  });
}

/** The next level of a kind, after the last none. */
export function moreSmoothing({ kind, amount }: Smoothing): Smoothing {
  return { kind, amount: SMOOTHINGS[kind].levels.find((level) => level > amount) ?? 0 };
}

/** Another kind, about as strong; who chooses one without any wants some. */
export function asKind({ kind, amount }: Smoothing, next: SmoothingKind): Smoothing {
  const level = SMOOTHINGS[kind].levels.findLastIndex((level) => level <= amount);
  return { kind: next, amount: SMOOTHINGS[next].levels[Math.max(level, 1)] ?? 0 };
}

/** How smoothing stands in an address, before the amount. */
const KEYS: Record<SmoothingKind, string> = {
  ema: "smooth",
  gaussian: "gaussian",
  running: "running",
};

/** Smoothing as an address has it: `smooth=0.9`, `gaussian=3`, `running=10`. */
export function formatSmoothing({ kind, amount }: Smoothing): string {
  return `${KEYS[kind]}=${amount}`;
}

/** Reads what formatSmoothing writes; null of anything else. */
export function parseSmoothing(text: string): Smoothing | null {
  const [key, number] = text.split("=");
  const kind = SMOOTHING_KINDS.find((k) => KEYS[k] === key);
  const amount = number ? Number(number) : Number.NaN;
  return kind && amount >= 0 && amount <= SMOOTHINGS[kind].most ? { kind, amount } : null;
}
