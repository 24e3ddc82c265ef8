import { downloadText, downloadUrl } from "./download";
import { fileName } from "./lib/file_name";

/** The kinds of files that a drawing is saved as. */
export const DRAWING_KINDS = ["SVG", "PDF", "PNG"] as const;
export type DrawingKind = (typeof DRAWING_KINDS)[number];

/** Saves a drawing, which is an SVG, as a file of some kind. */
export async function saveDrawing(kind: DrawingKind, title: string, svg: string): Promise<void> {
  const name = fileName(title, kind.toLowerCase());
  switch (kind) {
    case "SVG":
      return downloadText(name, "image/svg+xml", svg);
    case "PDF": {
      const { svgToPdf } = await import("./svg_to_pdf");
      return downloadText(name, "application/pdf", svgToPdf(svg, title));
    }
    case "PNG": {
      const { svgToPng } = await import("./svg_to_png");
      return downloadUrl(name, await svgToPng(svg));
    }
  }
}
