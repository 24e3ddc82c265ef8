/** A table as RFC 4180 has it; numbers are written with all their digits. */
export function csvOf(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/**
 * A text as a cell. One that a spreadsheet would take for a formula is made a text by an
 * apostrophe: names come from whoever logs.
 */
function cell(content: string | number): string {
  if (typeof content === "number") return String(content);
  const safe = /^[=+\-@\t\r]/.test(content) ? `'${content}` : content;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
