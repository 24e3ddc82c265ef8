import { partsOf } from "./lib/colour";
import { pdfFile } from "./lib/pdf_file";
import { helveticaWidth, pdfString } from "./lib/pdf_text";

/** Pixels are of 96 to an inch, and points of 72. */
const POINTS = 0.75;

/** A drawing of `chart_svg.ts` as a PDF file of one page, in ASCII, with the same vectors. */
export function svgToPdf(svg: string, title: string): string {
  const root = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  const [width, height] = [numberOf(root, "width"), numberOf(root, "height")];
  const states = new Map<string, string>();
  // Pages have their origin below.
  const upright = `${POINTS} 0 0 ${-POINTS} 0 ${POINTS * height} cm`;
  const content = [upright, ...operatorsOf(root, states)].join("\n");
  return pdfFile({
    width: POINTS * width,
    height: POINTS * height,
    title,
    subject: root.querySelector("desc")?.textContent ?? "",
    states: [...states],
    content,
  });
}

const numberOf = (element: Element, name: string, without = 0) =>
  Number(element.getAttribute(name) ?? without);

const numbersOf = (element: Element, ...names: string[]) =>
  names.map((name) => numberOf(element, name)).join(" ");

/** Draws all that is in an element; states are opacities, with their names by their dictionaries. */
function operatorsOf(parent: Element, states: Map<string, string>): string[] {
  return Array.from(parent.children).flatMap((element) => {
    switch (element.localName) {
      case "desc":
      case "clipPath":
        return [];
      case "g": {
        const id = element.getAttribute("clip-path")?.slice("url(".length, -1);
        const area = parent.querySelector(`${id} rect`);
        if (!area) throw new Error("A group of the drawing is not cut out.");
        return ["q", `${rectangle(area)} W n`, ...operatorsOf(element, states), "Q"];
      }
      case "rect":
        return painted(element, rectangle(element), states);
      case "line": {
        const [from, to] = [numbersOf(element, "x1", "y1"), numbersOf(element, "x2", "y2")];
        return painted(element, `${from} m ${to} l`, states);
      }
      case "path":
        return painted(element, pathOf(element.getAttribute("d") ?? ""), states);
      case "text":
        return written(element);
      default:
        throw new Error(`A drawing has <${element.localName}>, which is not written to PDF files.`);
    }
  });
}

const rectangle = (element: Element) => `${numbersOf(element, "x", "y", "width", "height")} re`;

/** Chart paths have one place behind each letter. */
function pathOf(path: string): string {
  const place = "(-?[\\d.]+),(-?[\\d.]+)";
  return path
    .replace(new RegExp(`M${place}`, "g"), "$1 $2 m\n")
    .replace(new RegExp(`L${place}`, "g"), "$1 $2 l\n")
    .replaceAll("Z", "h\n");
}

/** A colour as three operands; null where nothing is painted. */
function colourIn(element: Element, name: string): string | null {
  const colour = element.getAttribute(name) ?? "none";
  if (colour === "none") return null;
  return partsOf(colour)
    .map((part) => Number((part / 255).toFixed(4)))
    .join(" ");
}

function painted(element: Element, path: string, states: Map<string, string>): string[] {
  const [fill, stroke] = [colourIn(element, "fill"), colourIn(element, "stroke")];
  const opacity = `/ca ${numberOf(element, "fill-opacity", 1)} /CA ${numberOf(element, "stroke-opacity", 1)}`;
  const state = states.get(opacity) ?? `G${states.size}`;
  states.set(opacity, state);
  return [
    `q /${state} gs [${element.getAttribute("stroke-dasharray") ?? ""}] 0 d`,
    fill === null ? "" : `${fill} rg`,
    stroke === null ? "" : `${stroke} RG ${numberOf(element, "stroke-width", 1)} w`,
    path,
    `${fill === null ? "S" : stroke === null ? "f" : "B"} Q`,
  ];
}

/** How much of a text is left of its place. */
const LEFT_PARTS: Record<string, number> = { middle: 0.5, end: 1 };

function written(element: Element): string[] {
  const text = element.textContent ?? "";
  const size = numberOf(element, "font-size", 12);
  const part = LEFT_PARTS[element.getAttribute("text-anchor") ?? ""] ?? 0;
  const x = numberOf(element, "x") - part * helveticaWidth(text, size);
  const font = element.hasAttribute("font-weight") ? "Bold" : "Regular";
  return [
    `BT /${font} ${size} Tf ${colourIn(element, "fill") ?? "0 0 0"} rg`,
    `1 0 0 -1 ${x.toFixed(2)} ${numberOf(element, "y")} Tm ${pdfString(text)} Tj ET`,
  ];
}
