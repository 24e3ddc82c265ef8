/** Signs of figures that are not among the 256 of a page. */
const INSTEAD: Record<string, string> = { "−": "-", "∞": "inf", "\u2009": " ", "\u202f": " " };

/** How wide the characters from the space to the tilde are in Helvetica, in thousandths of its size. */
const WIDTHS = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
  556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
  611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
  667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
  222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/** How wide letters with accents and other signs are, nearly. */
const USUAL_WIDTH = 556;

/** A text in codes of WinAnsiEncoding, of which Latin-1 is part; "?" stands for all else. */
function codesOf(text: string): number[] {
  const known = Array.from(text.normalize("NFC"), (sign) => INSTEAD[sign] ?? sign).join("");
  return Array.from(known, (sign) => (/[ -~\u00a0-\u00ff]/.test(sign) ? sign : "?").charCodeAt(0));
}

/** A text as a string of a page, in nothing but ASCII. */
export function pdfString(text: string): string {
  const signs = codesOf(text).map((code) => {
    const sign = String.fromCharCode(code);
    if (code > 0x7e) return `\\${code.toString(8)}`;
    return "()\\".includes(sign) ? `\\${sign}` : sign;
  });
  return `(${signs.join("")})`;
}

/** A text of what describes a file, which may have any characters. */
export function pdfWideString(text: string): string {
  const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  return `<FEFF${units.map((unit) => unit.toString(16).padStart(4, "0")).join("")}>`;
}

/** How wide Helvetica writes a text. */
export function helveticaWidth(text: string, size: number): number {
  const widths = codesOf(text).map((code) => WIDTHS[code - 0x20] ?? USUAL_WIDTH);
  return (widths.reduce((sum, width) => sum + width, 0) * size) / 1000;
}
