const ESCAPES: Record<string, string> = {
  "\\": "\\\\",
  '"': '\\"',
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** A text as the grammar of queries writes it. */
export function quoted(text: string): string {
  return `"${text.replace(/[\\"\n\r\t]/g, (c) => ESCAPES[c] ?? c)}"`;
}

/** A condition that holds for runs of these names. */
export function namedOneOf(names: readonly string[]): string {
  return `attr(sys/name) IN [${names.map(quoted).join(", ")}]`;
}
