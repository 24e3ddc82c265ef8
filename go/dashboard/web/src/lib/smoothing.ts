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
  /** Smooths values that lie at ascending places. */
  apply: (values: readonly number[], places: readonly number[], amount: number) => number[];
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
    explanation:
      "Standard deviation, in buckets of the whole axis, of the weights around each point",
    most: 50,
    step: 0.5,
    levels: [0, 1, 3, 8, 20],
    apply: gaussian,
  },
  running: {
    title: "running mean",
    explanation: "How many buckets of the whole axis on either side each point is the mean with",
    most: 50,
    step: 1,
    levels: [0, 1, 3, 10, 30],
    apply: runningMean,
  },
};

export const SMOOTHING_KINDS = Object.keys(SMOOTHINGS) as SmoothingKind[];

/**
 * Values smoothed. Gaps, and what is not finite, stay gaps and weigh nothing.
 *
 * @param places Where the values lie, ascending, in buckets: what is far weighs less.
 */
export function smoothed(
  values: Values,
  places: ArrayLike<number>,
  { kind, amount }: Smoothing,
): (number | null)[] {
  if (amount <= 0) return [...values];
  const kept: number[] = [];
  const present: number[] = [];
  values.forEach((value, i) => {
    if (value === null || !Number.isFinite(value)) return;
    kept.push(i);
    present.push(value);
  });
  const out = new Array<number | null>(values.length).fill(null);
  const at = kept.map((i) => places[i] ?? 0);
  SMOOTHINGS[kind].apply(present, at, amount).forEach((value, k) => {
    out[kept[k] ?? 0] = value;
  });
  return out;
}

/**
 * The exponential moving average over places p that may be missing: with
 * g = p_t - p_{t-1}, s_t = w^g s_{t-1} + (1 - w) x_t and in the same way
 * n_t = w^g n_{t-1} + (1 - w), both from 0; the average is s_t / n_t. The decay by distance
 * is that of Zumbach and Müller, Operators on inhomogeneous time series, 2001; the division
 * takes away the pull towards zero at the beginning. Without gaps n_t is 1 - w^t, as Kingma
 * and Ba have it (Adam, 2015, section 3).
 */
function debiasedEma(
  values: readonly number[],
  places: readonly number[],
  weight: number,
): number[] {
  let [sum, norm] = [0, 0];
  return values.map((value, i) => {
    const decay = i === 0 ? 0 : weight ** ((places[i] ?? 0) - (places[i - 1] ?? 0));
    sum = decay * sum + (1 - weight) * value;
    norm = decay * norm + (1 - weight);
    return sum / norm;
  });
}

/** Beyond so many standard deviations nothing weighs: less than 4e-4 of the value itself. */
const TAIL = 4;

function gaussian(
  values: readonly number[],
  places: readonly number[],
  deviation: number,
): number[] {
  const weight = (distance: number) => Math.exp(-((distance / deviation) ** 2) / 2);
  return weighted(values, places, Math.ceil(TAIL * deviation), weight);
}

function runningMean(
  values: readonly number[],
  places: readonly number[],
  reach: number,
): number[] {
  return weighted(values, places, Math.round(reach), () => 1);
}

/** Means of each value and those within reach, by weights of their distances; fewer at the ends. */
function weighted(
  values: readonly number[],
  places: readonly number[],
  reach: number,
  weightOf: (distance: number) => number,
): number[] {
  const weights = Array.from({ length: reach + 1 }, (_, distance) => weightOf(distance));
  let from = 0;
  return places.map((place) => {
    while (place - (places[from] ?? 0) > reach) from++;
    let [sum, total] = [0, 0];
    for (let k = from; k < places.length && (places[k] ?? 0) - place <= reach; k++) {
      const weight = weights[Math.abs((places[k] ?? 0) - place)] ?? 0;
      sum += weight * (values[k] ?? 0);
      total += weight;
    }
    return sum / total;
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
