// Takes a picture of each page, light and dark: node tests/browser/screenshots.mjs DIRECTORY.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openBrowser } from "./browser.mjs";
import { startPpo } from "./filled_server.mjs";
import { startProgram } from "./program.mjs";
import { watchQuestions } from "./questions.mjs";

const directory = process.argv[2];
if (!directory) throw new Error("where do the pictures go?");

const runs = ["ppo-s0", "ppo-s1", "ppo-s2", "a2c-s0", "a2c-s1", "a2c-s2"].join(",");
const charts = "figure.chart[data-points]:not([data-points='0']) canvas";

/** Name of the picture, path behind the project, what is there when the page is drawn, what is scrolled to. */
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
  ["machines", "/../machines/busy/delivery", charts, ".machines"],
];

/** Is busy for a while, and idle for another; then says so. */
const BUSY = `
import sys, time, metrana, numpy as np
from metrana import system_metrics
system_metrics._PERIOD_SECS = 0.5
with metrana.init(workspace_name="rl", project_name="machines", run_name="busy", ingestion_url=sys.argv[1],
                  system_metrics=True, log_level="WARNING"):
    matrix, begun = np.random.rand(600, 600), time.monotonic()
    while (passed := time.monotonic() - begun) < 15:
        if passed % 5 < 3:
            matrix @ matrix
        else:
            time.sleep(0.1)
print("done", flush=True)
sys.stdin.read()
`;

const server = await startPpo();
await (await startProgram(BUSY, server.origin)).stop();
const { browser, page } = await openBrowser();
const questions = watchQuestions(page);
await mkdir(directory, { recursive: true });
try {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const [name, path, drawn, shown] of PAGES) {
      await page.goto(path === null ? server.origin : server.page() + path);
      await page.locator(drawn).first().waitFor({ state: "attached" });
      if (shown) await page.locator(shown).evaluate((element) => element.scrollIntoView());
      await questions.quiet();
      await page.screenshot({ path: join(directory, `${name}-${colorScheme}.png`) });
      process.stderr.write(`${name} ${colorScheme}\n`);
    }
  }
} finally {
  await browser.close();
  await server.stop();
}
