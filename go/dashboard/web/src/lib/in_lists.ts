/** A list cut into lists of at most so many. */
export function inLists<T>(all: readonly T[], most: number): T[][] {
  const lists: T[][] = [];
  for (let from = 0; from < all.length; from += most) lists.push(all.slice(from, from + most));
  return lists;
}
