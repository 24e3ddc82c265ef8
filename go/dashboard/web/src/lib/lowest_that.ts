/**
 * The lowest whole number from `from` to `to` for which something holds that holds for all
 * above it, too; `to` where it holds for none. Asks about one number after the other, each
 * time in the middle of what is left.
 */
export async function lowestThat(
  from: number,
  to: number,
  holds: (n: number) => Promise<boolean>,
): Promise<number> {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
