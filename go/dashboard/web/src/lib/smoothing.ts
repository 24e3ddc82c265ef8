/**
 * The exponential moving average of values, without the pull towards zero that it has at
 * its beginning: s_t = w s_{t-1} + (1 - w) x_t, divided by 1 - w^t (Kingma and Ba, Adam,
 * 2015, section 3). Gaps stay gaps and weigh nothing.
 *
 * @param weight From 0, which changes nothing, to below 1.
 */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...values];
  let sum = 0;
  let missing = 1; // w^t
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    sum = weight * sum + (1 - weight) * value;
    missing *= weight;
    return sum / (1 - missing);
  });
}

/** The weights that a key goes through. */
export const WEIGHTS = [0, 0.6, 0.9, 0.97, 0.99];

/** The weight behind another. */
export function nextWeight(weight: number): number {
  return WEIGHTS.find((w) => w > weight) ?? 0;
}
