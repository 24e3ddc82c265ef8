// Charts beside the table of runs, and the colours that runs have there and in charts.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { startRuns } from "./filled_server.mjs";
import { startProgram } from "./program.mjs";

let server;
let opened;

before(async () => {
  server = await startRuns();
  opened = await openBrowser();
});

after(async () => {
  await opened?.browser.close();
  if (server) assert.equal(await server.stop(), 0, "the server's exit code");
});

const chartOf = (page, metric) => page.locator(`figure.chart[data-metric="${metric}"]`);

/** Until the legend of a chart names exactly these lines, which are drawn. */
async function charted(page, metric, runs) {
  await page.waitForFunction(
    ([metric, runs]) => {
      const chart = document.querySelector(`figure.chart[data-metric="${metric}"]`);
      const named = [...(chart?.querySelectorAll(".legend .name") ?? [])].map((n) => n.textContent);
      return chart?.querySelector("canvas") && JSON.stringify(named) === JSON.stringify(runs);
    },
    [metric, runs],
  );
  return chartOf(page, metric);
}

const param = (page, name) => new URL(page.url()).searchParams.get(name);

/** The colours of a chart's lines, by what its legend calls them. */
const lineColours = (chart) =>
  chart.locator(".legend li:has(.name)").evaluateAll((items) =>
    Object.fromEntries(
      items.map((item) => [item.querySelector(".name").textContent, getComputedStyle(item.querySelector(".swatch")).backgroundColor]),
    ),
  );

/** The colour of a run's row. */
const dotColour = (row) => row.locator(".dot circle").evaluate((dot) => getComputedStyle(dot).fill);
const rowColour = (page, run) => dotColour(page.locator(`tr[data-run="${run}"]`));

const picture = (chart) => chart.locator("canvas").evaluate((canvas) => canvas.toDataURL());

test("charts beside the table are of its first runs, or of those that are selected", async () => {
  const { page, requests } = opened;
  await page.goto(server.page());
  await page.locator("tbody svg.sparkline").first().waitFor();
  assert.equal(requests.filter((r) => /assets\/(charts_panel|run_charts)/.test(r.url())).length, 0);
  await page.getByRole("button", { name: "Show charts" }).click();
  await page.getByRole("heading", { name: "Charts of the first 8 runs" }).waitFor();
  await page.getByLabel("Select seed-4", { exact: true }).check();
  await page.getByRole("heading", { name: "Charts of 1 run" }).waitFor();
  await page.getByLabel("Select seed-6", { exact: true }).check();
  const chart = await charted(page, "loss", ["seed-4", "seed-6"]);
  const colours = await lineColours(chart);
  assert.notEqual(colours["seed-4"], colours["seed-6"]);
  for (const run of ["seed-4", "seed-6"]) assert.equal(await rowColour(page, run), colours[run]);
  await page.reload();
  await charted(page, "loss", ["seed-4", "seed-6"]);
  assert.deepEqual(await lineColours(chart), colours);
});

test("other curves pale while the pointer is on a run's row", async () => {
  const { page } = opened;
  await page.mouse.move(0, 0);
  const chart = chartOf(page, "loss");
  const before = await picture(chart);
  const becomes = (same) =>
    page.waitForFunction(
      ([before, same]) =>
        (document.querySelector('figure.chart[data-metric="loss"] canvas').toDataURL() === before) === same,
      [before, same],
    );
  await page.locator('tr[data-run="seed-4"]').hover();
  await becomes(false);
  await page.locator('tr[data-run="seed-5"]').hover(); // it has no curve here
  await becomes(true);
});

test("the edge between table and charts is dragged, and moved by keys", async () => {
  const { page } = opened;
  const edge = page.getByRole("separator");
  await edge.press("ArrowLeft");
  await page.waitForURL((url) => url.searchParams.get("panel") === "55");
  await page.locator('[role=separator][aria-valuenow="55"]').waitFor(); // it is there by now
  const { x, y } = await edge.boundingBox();
  await page.mouse.move(x + 8, y + 200);
  await page.mouse.down();
  await page.mouse.move(x + 200, y + 210, { steps: 3 });
  await page.mouse.up();
  await page.waitForURL((url) => url.searchParams.get("panel") !== "55");
  const dragged = Number(param(page, "panel"));
  assert.ok(dragged > 30 && dragged < 50, `${dragged} %`);
  const [both, charts] = await page.evaluate(() =>
    [".beside", ".charts-panel"].map((name) => document.querySelector(name).getBoundingClientRect().width),
  );
  assert.ok(Math.abs((100 * charts) / both - dragged) < 1, `${charts} of ${both} pixels`);
});

test("keys are the table's, but for those of charts while these have the focus", async () => {
  const { page } = opened;
  await page.locator("main h1").click();
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.getByText("3 selected").waitFor();
  await page.getByRole("heading", { name: "Charts of 3 runs" }).click();
  await page.keyboard.press("x");
  await page.waitForURL((url) => url.searchParams.get("view") !== null);
  await page.getByText("3 selected").waitFor();
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Find metrics by a regular expression");
});

test("charts beside the table are zoomed, and shown the same on a page of their own", async () => {
  const { page } = opened;
  await page.goto(`${server.page()}?panel=50&selected=seed-4,seed-6`);
  const chart = await charted(page, "loss", ["seed-4", "seed-6"]);
  const area = await chart.locator(".u-over").boundingBox();
  await page.mouse.move(area.x + area.width * 0.2, area.y + 50);
  await page.mouse.down();
  await page.mouse.move(area.x + area.width * 0.5, area.y + 60, { steps: 3 });
  await page.mouse.up();
  await chart.getByRole("button", { name: "Show all" }).waitFor();
  const zoom = param(page, "zoom");
  await page.getByRole("link", { name: "As a page" }).click();
  await page.getByRole("heading", { name: "2 runs" }).waitFor();
  await charted(page, "loss", ["seed-4", "seed-6"]);
  assert.deepEqual([param(page, "screen"), param(page, "zoom")], ["charts", zoom]);
});

/** Logs a run when it is told to. */
const BEGINS = `
import sys, metrana
print("ready", flush=True)
with metrana.init(workspace_name="w", project_name="forks", run_name="begun", ingestion_url=sys.argv[1]) as run:
    for line in sys.stdin:
        run.log("loss", [2.0, 1.0])
`;

test("charts beside the table follow its runs", async (t) => {
  const { page } = opened;
  await page.goto(`${server.origin}/w/forks?panel=50`);
  const chart = await charted(page, "loss", ["child", "parent"]);
  const logging = await startProgram(BEGINS, server.origin);
  t.after(() => logging.stop());
  logging.say("points");
  await charted(page, "loss", ["begun", "child", "parent"]);
  const points = Number(await chart.getAttribute("data-points"));
  logging.say("points");
  await page.waitForFunction(
    (points) => document.querySelector('figure.chart[data-metric="loss"]').dataset.points === String(points),
    points + 2,
  );
});

test("on a phone the charts have a page of their own", async () => {
  const { page } = opened;
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${server.page()}?panel=50`);
  await page.locator("tbody svg.sparkline").first().waitFor();
  assert.equal(await page.locator("figure.chart").count(), 0);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 390));
  await page.getByRole("link", { name: "Charts", exact: true }).click();
  await page.getByRole("heading", { name: "8 runs" }).waitFor();
  await page.setViewportSize({ width: 1280, height: 900 });
});

const legendText = async (page) => (await page.getByRole("list", { name: /^Colours by/ }).innerText()).split(/\s*\n\s*/);

test("runs are coloured by a setting, in the table and in charts", async () => {
  const { page } = opened;
  await page.goto(server.page());
  await page.getByLabel("Colour by").selectOption("algorithm");
  await page.locator('tr[data-run="seed-0"] .dot').waitFor();
  assert.deepEqual(await legendText(page), ["algorithm", "a2c", "ppo", "none"]);
  const [a2c, ppo] = [await rowColour(page, "seed-0"), await rowColour(page, "seed-1")];
  assert.notEqual(a2c, ppo);
  assert.deepEqual([await rowColour(page, "seed-2"), await rowColour(page, "seed-3")], [a2c, ppo]);
  for (const run of ["seed-0", "seed-1", "seed-3"]) await page.getByLabel(`Select ${run}`, { exact: true }).check();
  await page.getByRole("button", { name: "Show charts" }).click();
  const runs = ["seed-0", "seed-1", "seed-3"];
  const wanted = { "seed-0": a2c, "seed-1": ppo, "seed-3": ppo };
  const shows = (colours) =>
    page.waitForFunction(
      (colours) =>
        Object.entries(colours).every(([run, colour]) =>
          [...document.querySelectorAll('figure.chart[data-metric="loss"] .legend li')].some(
            (item) => item.querySelector(".name")?.textContent === run && getComputedStyle(item.querySelector(".swatch")).backgroundColor === colour,
          ),
        ),
      colours,
    );
  await charted(page, "loss", runs);
  await shows(wanted);
  await page.getByRole("link", { name: "As a page" }).click();
  await page.getByRole("heading", { name: "3 runs" }).waitFor();
  await shows(wanted);
  assert.deepEqual(await legendText(page), ["algorithm", "a2c", "ppo"]);
  // The colours are those of all runs of the project, whichever are shown.
  await page.goto(`${server.page()}?colour=config/algorithm&filter=${encodeURIComponent('attr(config/algorithm) == "ppo"')}`);
  await page.locator('tr[data-run="seed-1"] .dot').waitFor();
  assert.equal(await rowColour(page, "seed-1"), ppo);
});

test("groups have the colours of their runs", async () => {
  const { page } = opened;
  await page.goto(`${server.page()}?group=config/algorithm&colour=:group`);
  const groupColour = (group) => dotColour(page.locator("tbody th", { hasText: group }));
  const colours = [await groupColour("a2c"), await groupColour("ppo")];
  await page.getByLabel("Group by").selectOption("nothing");
  await page.getByLabel("Colour by").selectOption("algorithm");
  await page.locator('tr[data-run="seed-0"] .dot').waitFor();
  assert.deepEqual([await rowColour(page, "seed-0"), await rowColour(page, "seed-1")], colours);
});

test("charts beside groups are of the first runs of each", async () => {
  const { page } = opened;
  // By the algorithm six of the first eight runs are a2c's.
  await page.goto(`${server.page()}?panel=50&group=config/algorithm&sort=a:config%252Falgorithm&desc=0`);
  await page.getByRole("heading", { name: "Charts of 8 runs of 3 groups" }).waitFor();
  const names = chartOf(page, "loss").locator(".legend .name");
  await names.nth(7).waitFor();
  const seeds = (await names.allTextContents()).map((name) => Number(name.replace("seed-", "")));
  const of = (group) => seeds.filter(group).length;
  assert.deepEqual([of((n) => n % 2 === 0), of((n) => n % 2 === 1), of(Number.isNaN)], [4, 3, 1]);
});

test("runs are coloured by whether they have a tag", async () => {
  const { page } = opened;
  await page.goto(server.page());
  await page.locator("tbody tr[data-run]").first().waitFor();
  await page.getByLabel("Colour by").selectOption("ppo");
  await page.locator('tr[data-run="seed-1"] .dot').waitFor();
  assert.deepEqual(await legendText(page), ["tag", "ppo", "none"]);
  assert.notEqual(await rowColour(page, "seed-1"), await rowColour(page, "seed-0"));
  assert.equal(param(page, "colour"), ":tag ppo");
});

test("of more values than colours the page says that some are grey", async () => {
  const { page } = opened;
  await page.goto(`${server.origin}/w/many?colour=config/number`);
  await page.getByText("112 other values: there are 8 colours, for the values that most runs have").waitFor();
});

test("nothing complains", () => {
  assert.deepEqual(opened.complaints, []);
});
