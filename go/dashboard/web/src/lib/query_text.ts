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

/** A condition that holds for what has one of these texts as an attribute. */
export function isOneOf(path: string, texts: readonly string[]): string {
  return `attr(${path}) IN [${texts.map(quoted).join(", ")}]`;
}

/** A condition that holds for runs of these names. */
export function namedOneOf(names: readonly string[]): string {
  return isOneOf("sys/name", names);
}
