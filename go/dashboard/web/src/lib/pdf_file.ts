import { pdfWideString } from "./pdf_text";

/** A page and what describes it, in points. */
export interface PdfPage {
  width: number;
  height: number;
  title: string;
  subject: string;
  /** Dictionaries of graphics states, and their names in the content. */
  states: readonly (readonly [dictionary: string, name: string])[];
  /** The operators of the page, in ASCII; its fonts are Regular and Bold. */
  content: string;
}

/** A PDF file of one page, all of it in ASCII. */
export function pdfFile({ width, height, title, subject, states, content }: PdfPage): string {
  const font = (name: string) =>
    `<< /Type /Font /Subtype /Type1 /BaseFont /${name} /Encoding /WinAnsiEncoding >>`;
  const named = states.map(([dictionary, name]) => `/${name} << ${dictionary} >>`).join(" ");
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${width} ${height}] /Contents 4 0 R /Resources << /Font << /Regular 5 0 R /Bold 6 0 R >> /ExtGState << ${named} >> >> >>`,
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    font("Helvetica"),
    font("Helvetica-Bold"),
    `<< /Title ${pdfWideString(title)} /Subject ${pdfWideString(subject)} /Creator (Metrana) >>`,
  ];
  let file = "%PDF-1.4\n";
  const offsets = objects.map((object, i) => {
    const offset = file.length;
    file += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, "0")} 00000 n \n`;
  });
  const size = objects.length + 1;
  return [
    file,
    `xref\n0 ${size}\n0000000000 65535 f \n${offsets.join("")}`,
    `trailer\n<< /Size ${size} /Root 1 0 R /Info 7 0 R >>\n`,
    `startxref\n${file.length}\n%%EOF\n`,
  ].join("");
}
