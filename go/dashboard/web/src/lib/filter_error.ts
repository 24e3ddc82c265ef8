/** Where a condition is wrong, and why. */
export interface FilterError {
  /** What is right before the place. */
  before: string;
  /** From the place on; empty where the text ends too early. */
  after: string;
  reason: string;
}

/**
 * Finds the place in a condition that a message of the server names; null where it
 * names none. The server counts bytes of UTF-8, from 1.
 */
export function filterError(message: string, text: string): FilterError | null {
  const named = message.match(/column (\d+) of "(?:[^"\\]|\\.)*": (.*)$/s);
  if (!named) return null;
  const bytes = new TextEncoder().encode(text);
  const at = Number(named[1]) - 1;
  if (at < 0 || at > bytes.length) return null;
  const decoder = new TextDecoder();
  return {
    before: decoder.decode(bytes.subarray(0, at)),
    after: decoder.decode(bytes.subarray(at)),
    reason: named[2] ?? "",
  };
}
