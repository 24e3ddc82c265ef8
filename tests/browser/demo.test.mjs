// What a newcomer does: runs the demo and watches it in the browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { startDemo } from "./server.mjs";

let demo;
let opened;

before(async () => {
  demo = await startDemo();
  opened = await openBrowser();
});

after(async () => {
  await opened?.browser.close();
  await demo?.delivered();
  if (demo) assert.equal(await demo.stop(), 0, "the demo's exit code after Ctrl-C");
});

const pointsOf = (chart) => chart.getAttribute("data-points").then(Number);

/** Until an attribute of a metric's chart is a number larger than `limit`, or not larger. */
const shows = (page, metric, attribute, larger, limit) =>
  page.waitForFunction(
    ([metric, attribute, larger, limit]) => {
      const chart = document.querySelector(`figure[data-metric="${metric}"]`);
      return Number(chart?.dataset[attribute]) > limit === larger;
    },
    [metric, attribute, larger, limit],
  );

/** A chart of the page, once it has points. */
async function chartWithPoints(page) {
  const chart = page.locator("figure.chart[data-points]:not([data-points='0'])").first();
  await chart.waitFor();
  return chart;
}

test("from the projects to a run's charts, which grow without a reload", async () => {
  const { page } = opened;
  await page.goto(demo.address.origin);
  await page.getByRole("link", { name: "cartpole", exact: true }).click();
  await page.getByRole("link", { name: /^cartpole-\d{8}T\d{6}Z-[0-9a-f]{4}$/ }).click();
  assert.equal(new URL(page.url()).pathname, demo.address.pathname);

  const chart = await chartWithPoints(page);
  const metric = await chart.getAttribute("data-metric");
  const first = await pointsOf(chart);
  await shows(page, metric, "points", true, first);
});

test("a chart draws its points", async () => {
  const chart = await chartWithPoints(opened.page);
  const colours = await chart.locator("canvas").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
  assert.ok(colours > 10, `the canvas has ${colours} colours`);
});

test("a drag zooms by asking the server, a double click shows all again", async () => {
  const { page } = opened;
  const chart = await chartWithPoints(page);
  await chart.scrollIntoViewIfNeeded();
  const metric = await chart.getAttribute("data-metric");
  await shows(page, metric, "buckets", true, 5);
  const first = Number(await chart.getAttribute("data-first"));
  const area = await chart.locator(".u-over").boundingBox();
  const middle = area.y + area.height / 2;
  await page.mouse.move(area.x + area.width * 0.5, middle);
  await page.mouse.down();
  await page.mouse.move(area.x + area.width * 0.9, middle, { steps: 5 });
  await page.mouse.up();
  await chart.getByRole("button", { name: "Show all" }).waitFor();
  await shows(page, metric, "first", true, first);
  await chart.locator(".u-over").dblclick();
  await chart.getByRole("button", { name: "Show all" }).waitFor({ state: "detached" });
  await shows(page, metric, "first", false, first);
});

test("an environment's episode is drawn env step by env step", async () => {
  const { page } = opened;
  await page.getByRole("link", { name: "Episodes", exact: true }).click();
  await page.getByRole("heading", { name: "Episodes", level: 1 }).waitFor();
  await page.locator("tbody a[href*='/episode?']").first().click();
  await page.locator("canvas").first().waitFor();
  assert.match(page.url(), /\/episode\?env=.+&episode=\d+/);
});

test("pages ask only their server, and nothing complains", async () => {
  const { complaints, requests } = opened;
  const strangers = requests.map((r) => new URL(r.url())).filter((u) => u.origin !== demo.address.origin);
  assert.deepEqual(strangers.filter((u) => u.protocol !== "data:").map(String), []);
  assert.deepEqual(complaints, []);
});
