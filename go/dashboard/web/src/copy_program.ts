import { downloadText } from "./download";

/** Copies a program; where a browser does not let pages copy, it is saved instead. */
export async function copyProgram(file: string, program: string): Promise<"copied" | "saved"> {
  try {
    await navigator.clipboard.writeText(program);
    return "copied";
  } catch {
    downloadText(file, "text/x-python", program);
    return "saved";
  }
}
