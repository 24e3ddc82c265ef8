import { expect, test } from "vitest";
import { pdfFile } from "./pdf_file";

test("a file says where each of its objects is, and how long its page", () => {
  const content = "0 0 m 10 10 l S";
  const states = [["/ca 0.5", "G0"]] as const;
  const file = pdfFile({ width: 540, height: 270, title: "t", subject: "s", states, content });
  const [, table = ""] = file.split("xref\n0 8\n0000000000 65535 f \n");
  const offsets = [...table.matchAll(/^(\d{10}) 00000 n $/gm)].map(([, offset]) => Number(offset));
  expect(offsets.map((at) => file.slice(at, at + 7))).toEqual(
    [1, 2, 3, 4, 5, 6, 7].map((number) => `${number} 0 obj`),
  );
  const start = Number(file.match(/startxref\n(\d+)\n%%EOF\n$/)?.[1]);
  expect(file.slice(start, start + 5)).toBe("xref\n");
  expect(file).toContain(`/Length ${content.length} >>\nstream\n${content}\nendstream`);
});
