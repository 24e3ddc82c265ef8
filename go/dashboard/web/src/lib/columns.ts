/** A column of the server as numbers: little-endian float64, 8 bytes each. */
export function floats(column: Uint8Array): Float64Array {
  return new Float64Array(aligned(column));
}

/** Several of them, in one piece of memory: a chart of many lines has hundreds. */
export function floatColumns<const C extends readonly Uint8Array[]>(
  columns: C,
): { [K in keyof C]: Float64Array } {
  for (const column of columns) requireWhole(column);
  const bytes = new Uint8Array(columns.reduce((sum, column) => sum + column.byteLength, 0));
  let end = 0;
  return columns.map((column) => {
    bytes.set(column, end);
    end += column.byteLength;
    return new Float64Array(bytes.buffer, end - column.byteLength, column.byteLength / 8);
  }) as { [K in keyof C]: Float64Array };
}

/** A column of whole numbers: little-endian uint64. Those above 2⁵³ are rounded. */
export function counts(column: Uint8Array): Float64Array {
  return wholeNumbers(new Uint32Array(aligned(column)), (high) => high);
}

/** A column of times in milliseconds since 1970: little-endian int64. */
export function times(column: Uint8Array): Float64Array {
  return wholeNumbers(new Uint32Array(aligned(column)), (high) => high | 0);
}

/** Numbers of two words each, the lower one first: a BigInt of each would be garbage at once. */
function wholeNumbers(words: Uint32Array, signed: (high: number) => number): Float64Array {
  const numbers = new Float64Array(words.length / 2);
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = (words[2 * i] ?? 0) + signed(words[2 * i + 1] ?? 0) * 2 ** 32;
  }
  return numbers;
}

/** Numbers of which NaN says that there is none, but where a byte says that it was logged. */
export function numbersOrNone(
  numbers: Float64Array,
  loggedNaNs: Uint8Array,
): (number | undefined)[] {
  return Array.from(numbers, (v, i) => (Number.isNaN(v) && loggedNaNs[i] !== 1 ? undefined : v));
}

/** Typed arrays begin at a multiple of 8 bytes; a message's columns begin anywhere. */
function aligned(column: Uint8Array): ArrayBuffer {
  requireWhole(column);
  return column.slice().buffer;
}

function requireWhole(column: Uint8Array): void {
  if (column.byteLength % 8 !== 0) {
    throw new Error(`a column has ${column.byteLength} bytes, which is no multiple of 8`);
  }
}

/** Values as a chart takes them: what is not finite is a gap. */
export function withGaps(values: ArrayLike<number>): (number | null)[] {
  return Array.from(values, (v) => (Number.isFinite(v) ? v : null));
}
