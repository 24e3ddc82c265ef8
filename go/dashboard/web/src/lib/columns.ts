/** A column of the server as numbers: little-endian float64, 8 bytes each. */
export function floats(column: Uint8Array): Float64Array {
  return new Float64Array(aligned(column));
}

/** A column of whole numbers: little-endian uint64. Those above 2⁵³ are rounded. */
export function counts(column: Uint8Array): Float64Array {
  return Float64Array.from(new BigUint64Array(aligned(column)), Number);
}

/** A column of times in milliseconds since 1970: little-endian int64. */
export function times(column: Uint8Array): Float64Array {
  return Float64Array.from(new BigInt64Array(aligned(column)), Number);
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
  if (column.byteLength % 8 !== 0) {
    throw new Error(`a column has ${column.byteLength} bytes, which is no multiple of 8`);
  }
  return column.slice().buffer;
}

/** Values as a chart takes them: what is not finite is a gap. */
export function withGaps(values: ArrayLike<number>): (number | null)[] {
  return Array.from(values, (v) => (Number.isFinite(v) ? v : null));
}
