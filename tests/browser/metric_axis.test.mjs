// Charts along the values of another metric.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { startRuns } from "./filled_server.mjs";

let server;
let opened;

before(async () => {
  server = await startRuns();
  opened = await openBrowser();
  await opened.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
});

after(async () => {
  await opened?.browser.close();
  if (server) assert.equal(await server.stop(), 0, "the server's exit code");
});

const KL = "metric=kl%20ML_STEP";
const returns = (page) => page.locator('figure.chart[data-metric="return"]');

/** What a chart shows as a table: x, mean, least, greatest and how many points. */
async function rowsOf(chart, count) {
  const rows = chart.locator(".curve-table tbody tr");
  await rows.nth(count - 1).waitFor();
  const texts = await rows.allInnerTexts();
  return texts.map((text) => text.split("\t").slice(1).map(Number));
}

test("a metric is chosen as the axis, and points lie at its values", async () => {
  const { page } = opened;
  await page.goto(`${server.origin}/w/branches/branch/charts`);
  const chart = returns(page);
  await chart.locator("canvas").waitFor();
  await page.locator(".chart-bar").getByLabel("Along").selectOption("another metric…");
  await page.locator("input[list]:focus").waitFor();
  await page.keyboard.type("kl");
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.searchParams.get("view") === KL);
  await page.locator(`figure.chart[data-metric="return"][data-axis="${KL}"][data-points="2"]`).waitFor();
  assert.equal(await page.locator('figure.chart[data-metric="kl"]').getAttribute("data-axis"), "step");
  await chart.locator(".menu > summary").click();
  await chart.getByRole("button", { name: "Show as table" }).click();
  assert.deepEqual(await rowsOf(chart, 2), [
    [0.25, 102, 102, 102, 1],
    [0.5, 103, 103, 103, 1],
  ]);

  await page.locator(".chart-bar").getByLabel("inherited", { exact: true }).check();
  assert.deepEqual(await rowsOf(chart, 4), [
    [0.1, 5, 0, 10, 2],
    [0.2, 6, 1, 11, 2],
    [0.25, 102, 102, 102, 1],
    [0.5, 103, 103, 103, 1],
  ]);
});

test("a card tells whose the extremes at a value are, and the cursor is shared", async () => {
  const { page } = opened;
  await page.goto(`${server.origin}/w/branches/branch/charts?view=${encodeURIComponent(`${KL},inherited`)}`);
  const chart = returns(page);
  await chart.and(page.locator('[data-points="6"]')).waitFor();
  await chart.scrollIntoViewIfNeeded();
  await chart.locator(".curve-plot").focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  const card = chart.locator('[role="dialog"][aria-busy="false"]');
  await card.waitFor();
  assert.deepEqual(
    await card.locator("a").evaluateAll((links) => links.map((link) => [link.innerText, link.getAttribute("href")])),
    [
      ["left, episode 0", "/w/branches/trunk/episode?env=left&episode=0"],
      ["right, episode 0", "/w/branches/trunk/episode?env=right&episode=0"],
    ],
  );
  await page.keyboard.press("Escape");
  const reward = page.locator('figure.chart[data-metric="reward"]');
  await reward.locator(".legend .at").getByText("at 0.1", { exact: true }).waitFor();
});

test("a single point of a bucket is found at its step", async () => {
  const { page } = opened;
  await page.goto(`${server.origin}/w/curves/spike/charts?find=loss&view=${encodeURIComponent("metric=signal%20ML_STEP")}`);
  const chart = page.locator('figure.chart[data-metric="train/loss"]');
  await chart.and(page.locator('[data-points="500"]')).waitFor();
  await chart.locator(".curve-plot").focus();
  for (let i = 0; i < 4; i++) await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  const card = chart.locator('[role="dialog"][aria-busy="false"]');
  await card.waitFor();
  const told = await card.locator("dt").evaluateAll((names) =>
    Object.fromEntries(names.map((name) => [name.innerText, name.nextElementSibling.innerText])),
  );
  assert.equal(Number(told.Value), Math.exp(-Number(told.Step) / 50));
  await card.getByRole("button", { name: "Copy query" }).click();
  const program = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(program, /fetch_curves_by_metric\(\n {8}\["spike"\],\n {8}SeriesFilter\("train\/loss"\),\n {8}SeriesFilter\("signal"\),/);
});

test("a drag zooms in on values of the metric, and the address keeps it", async () => {
  const { page } = opened;
  await page.goto(`${server.origin}/w/branches/branch/charts?view=${encodeURIComponent(`${KL},inherited`)}`);
  const plot = returns(page).locator(".u-over");
  await plot.waitFor();
  await plot.scrollIntoViewIfNeeded();
  const box = await plot.boundingBox();
  await page.mouse.move(box.x + box.width * 0.1, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 50, { steps: 4 });
  await page.mouse.up();
  await page.locator('figure.chart[data-metric="return"][data-points="3"]').waitFor();
  assert.match(new URL(page.url()).searchParams.get("zoom"), /^metric=kl%20ML_STEP:0\.1\d+\.\.0\.\d+$/);
  await page.reload();
  await page.locator('figure.chart[data-metric="return"][data-points="3"]').waitFor();
});

/** Moves the cursor with a key until it is at an x or behind it, and reads what the line is there. */
async function valueFrom(page, chart, x) {
  const [at, value] = [chart.locator(".legend .at"), chart.locator(".legend .value")];
  await chart.locator(".curve-plot").focus();
  for (let found = Number.NEGATIVE_INFINITY; found < x; ) {
    const before = await at.innerText();
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction(([e, text]) => e.innerText !== text, [await at.elementHandle(), before]);
    found = Number((await at.innerText()).replace("at ", "").replace("−", "-"));
  }
  return Number(await value.innerText());
}

test("along a metric, too, a smoothed line stays the same when it is zoomed", async () => {
  const { page } = opened;
  const address = `${server.origin}/w/curves/spike/charts?find=loss&view=${encodeURIComponent("metric=signal%20ML_STEP,smooth=0.9")}`;
  const chart = page.locator('figure.chart[data-metric="train/loss"]');
  await page.goto(address);
  await chart.and(page.locator('[data-points="500"]')).waitFor();
  const before = await valueFrom(page, chart, 0.005);
  const zoom = encodeURIComponent("metric=signal%20ML_STEP:0.0049..0.0054");
  await page.goto(`${address}&zoom=${zoom}`);
  await chart.and(page.locator('[data-points="500"]')).waitFor({ state: "detached" });
  await chart.locator(".legend .value").waitFor();
  const after = await valueFrom(page, chart, 0.005);
  // Smoothed from the stretch alone it would be a tenth less.
  assert.ok(Math.abs(after / before - 1) < 0.02, `${before} before, ${after} zoomed`);
});

test("a metric that no run has is said to be missing", async () => {
  const { page } = opened;
  await page.goto(`${server.origin}/w/branches/branch/charts?view=${encodeURIComponent("metric=tokens%20ML_STEP")}`);
  await returns(page).getByText("No point has a value of tokens at its step or before.").waitFor();
});
