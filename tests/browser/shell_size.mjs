// How much of a page is no data.

import { gzipSync } from "node:zlib";
import { watchQuestions } from "./questions.mjs";

/** Kilobytes of the page, its scripts and its styles, as a server on another machine sends them. */
export async function shellKilobytes(page, address) {
  const bodies = [];
  const keep = (response) => {
    const kind = response.request().resourceType();
    if (["document", "script", "stylesheet"].includes(kind)) bodies.push(response.body());
  };
  page.on("response", keep);
  const { quiet } = watchQuestions(page);
  await page.goto(address);
  await quiet();
  page.off("response", keep);
  const sizes = (await Promise.all(bodies)).map((body) => gzipSync(body, { level: 9 }).length);
  return sizes.reduce((a, b) => a + b, 0) / 1024;
}
