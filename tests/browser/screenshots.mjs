// Takes a picture of each page, light and dark: node tests/browser/screenshots.mjs DIRECTORY.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openBrowser } from "./browser.mjs";
import { startPpo } from "./filled_server.mjs";
import { watchQuestions } from "./questions.mjs";

const directory = process.argv[2];
if (!directory) throw new Error("where do the pictures go?");

const runs = ["ppo-s0", "ppo-s1", "ppo-s2", "a2c-s0", "a2c-s1", "a2c-s2"].join(",");
const charts = "figure.chart[data-points]:not([data-points='0']) canvas";

/** Name of the picture, path behind the project, what is there when the page is drawn. */
const PAGES = [
  ["projects", null, "main table a"],
  ["runs", "", "tbody svg.sparkline"],
  ["groups", "?group=config/algorithm", "tbody th"],
  ["run", "/ppo-s0?baseline=a2c-s0", charts],
  ["charts", "/ppo-s0/charts", charts],
  ["runs-charts", `?screen=charts&runs=${runs}&view=smooth%3D0.6`, charts],
  ["compare", `?screen=compare&runs=${runs}`, "main canvas"],
  ["environments", "/ppo-s0/environments", "main canvas"],
  ["episodes", "/ppo-s0/episodes", "tbody a"],
  ["episode", "/ppo-s0/episode?env=env-05&episode=3", "main canvas"],
  ["delivery", "/ppo-s0/delivery", "table.attributes"],
];

const server = await startPpo();
const { browser, page } = await openBrowser();
const questions = watchQuestions(page);
await mkdir(directory, { recursive: true });
try {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const [name, path, drawn] of PAGES) {
      await page.goto(path === null ? server.origin : server.page() + path);
      await page.locator(drawn).first().waitFor({ state: "attached" });
      await questions.quiet();
      await page.screenshot({ path: join(directory, `${name}-${colorScheme}.png`) });
      process.stderr.write(`${name} ${colorScheme}\n`);
    }
  }
} finally {
  await browser.close();
  await server.stop();
}
