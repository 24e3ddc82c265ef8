/**
 * Where values of a line have no neighbour that a stroke would lead to: a null is a gap, over an
 * undefined the line goes on. Null when there are none.
 */
export function lonePlaces(values: ArrayLike<number | null | undefined>): number[] | null {
  const lone: number[] = [];
  let last: number | null = null; // the last value, while it is the only one of its stroke
  let stroke = 0; // values that it has so far
  const end = () => {
    if (stroke === 1 && last !== null) lone.push(last);
    stroke = 0;
  };
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === undefined) continue;
    if (value === null) {
      end();
    } else {
      last = i;
      stroke++;
    }
  }
  end();
  return lone.length > 0 ? lone : null;
}
