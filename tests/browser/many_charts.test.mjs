// The workspace of charts with thousands of metrics and hundreds of lines, on wide and narrow pages.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { startManyCurves } from "./filled_server.mjs";

const METRICS = 2000; // see many_curves.py
const MARKUP = "&lt;b&gt;bold&lt;/b&gt;'";
/** No page draws more charts at once. */
const MOST_CANVASES = 40;

let server;
let opened;

before(async () => {
  server = await startManyCurves();
  opened = await openBrowser();
});

after(async () => {
  await opened?.browser.close();
  if (server) assert.equal(await server.stop(), 0, "the server's exit code");
});

/** Until every chart near what is seen has drawn its points; gives how many there are. */
async function allDrawn(page) {
  const count = await page.waitForFunction(() => {
    const charts = [...document.querySelectorAll("figure.chart")];
    const drawn = charts.every((c) => Number(c.dataset.points) > 0 && c.querySelector("canvas"));
    return drawn && charts.length;
  });
  return count.jsonValue();
}

const asked = (requests) => requests.filter((r) => r.url().endsWith("/BucketSeries"));

test("of two thousand charts only those near what is seen exist and ask", async () => {
  const { page, requests } = opened;
  requests.length = 0;
  await page.goto(server.page("wide", "charts"));
  const first = await allDrawn(page);
  assert.ok(first <= MOST_CANVASES, `${first} charts`);
  assert.ok(asked(requests).length <= MOST_CANVASES, `${asked(requests).length} questions`);
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await page.locator('figure[data-metric="s19/m099"] canvas').waitFor();
  const last = await allDrawn(page);
  assert.ok(last <= MOST_CANVASES, `${last} charts`);
  assert.ok(asked(requests).length < METRICS / 10, `${asked(requests).length} questions`);
});

test("beside the table of runs, too, only charts near what is seen exist, as they are scrolled", async () => {
  const { page, requests } = opened;
  requests.length = 0;
  await page.goto(`${server.page()}?panel=50&selected=wide`);
  await page.locator("figure.chart canvas").first().waitFor();
  await allDrawn(page);
  await page.locator(".charts-panel").evaluate((panel) => panel.scrollTo(0, panel.scrollHeight));
  await page.locator('figure[data-metric="s19/m099"] canvas').waitFor();
  const last = await allDrawn(page);
  assert.ok(last <= MOST_CANVASES, `${last} charts`);
  assert.ok(asked(requests).length < METRICS / 10, `${asked(requests).length} questions`);
});

test("what is scrolled away is not asked any longer", async () => {
  const { page, requests } = opened;
  await page.goto(server.page("wide", "charts"));
  await allDrawn(page);
  // Answers wait until the charts that want them are gone.
  let release;
  const released = new Promise((resolve) => {
    release = resolve;
  });
  await page.route("**/BucketSeries", async (route) => {
    await released;
    await route.continue().catch(() => {}); // cancelled by the page: there is nothing to go on with
  });
  requests.length = 0;
  const cancelled = [];
  page.on("requestfailed", (request) => cancelled.push(request));
  await page.evaluate(() => window.scrollTo(0, 20_000));
  await page.waitForFunction(() => document.querySelector("figure.chart:not([data-points])"));
  while (asked(requests).length === 0) await page.waitForEvent("request");
  const wanted = asked(requests).length;
  const gone = page.waitForEvent("requestfailed");
  await page.evaluate(() => window.scrollTo(0, 60_000));
  await gone;
  assert.ok(asked(cancelled).length > 0, `none of ${wanted} questions was cancelled`);
  release();
  await allDrawn(page);
  await page.unroute("**/BucketSeries");
});

test("names that look like markup are text", async () => {
  const { page } = opened;
  await page.goto(server.page("odd", "charts"));
  await allDrawn(page);
  const names = await page.locator("figure.chart figcaption strong").allInnerTexts();
  assert.ok(names.includes(MARKUP), names.join(" "));
  assert.equal(await page.locator("main b").count(), 0);
});

test("three hundred lines are drawn as their spread", async () => {
  const { page } = opened;
  const chart = page.locator('figure[data-metric="spread"]');
  assert.match(await chart.locator(".legend").innerText(), /median of 300 lines/);
  assert.equal(await chart.getAttribute("data-points"), String(300 * 30));
});

test("a cursor has dots on few lines, and none on many", async () => {
  const { page } = opened;
  const dots = (metric) => page.locator(`figure[data-metric="${metric}"] .u-cursor-pt`).count();
  assert.ok((await dots("sizes")) > 0);
  assert.equal(await dots("single"), 0);
});

test("of many lines those of a single point are seen", async () => {
  const { page } = opened;
  const rows = await page.locator('figure[data-metric="single"] canvas').evaluate((canvas) => {
    const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const coloured = (i) => Math.max(...data.slice(i, i + 3)) - Math.min(...data.slice(i, i + 3)) > 60;
    const row = (y) => Array.from({ length: width }, (_, x) => 4 * (y * width + x)).some(coloured);
    return Array.from({ length: height }, (_, y) => row(y)).filter(Boolean).length;
  });
  assert.ok(rows >= 60, `thirty points colour ${rows} rows of pixels`);
});

test("the spread of many lines is asked for anew where it is zoomed in on", async () => {
  const { page } = opened;
  const chart = page.locator('figure[data-metric="spread"]');
  const points = (wanted) =>
    page.waitForFunction(
      (wanted) => document.querySelector('figure[data-metric="spread"]')?.dataset.points === String(wanted),
      wanted,
    );
  await page.evaluate(() => {
    window.history.pushState(null, "", "?zoom=step:10..19");
    window.dispatchEvent(new PopStateEvent("popstate"));
  });
  await points(300 * 10);
  assert.match(await chart.locator(".legend").innerText(), /median of 300 lines/);
  await chart.locator(".u-over").dblclick();
  await points(300 * 30);
});

test("a link draws the same picture again", async () => {
  const { page } = opened;
  await page.goto(server.page("odd", "charts?view=smooth=0.6,logx,logy&find=sizes"));
  await allDrawn(page);
  const picture = () =>
    page.locator('figure[data-metric="sizes"] canvas').evaluate((canvas) => canvas.toDataURL());
  const first = await picture();
  await page.goto(page.url());
  await allDrawn(page);
  assert.equal(await picture(), first);
});

test("values of one moment are seen along time from the least to the greatest", async () => {
  const { page } = opened;
  await page.goto(server.page("odd", "charts?view=wall&find=sizes"));
  await allDrawn(page);
  const chart = page.locator('figure[data-metric="sizes"]');
  assert.equal(await chart.getAttribute("data-buckets"), "1", "logged in one call");
  const [coloured, height] = await chart.locator("canvas").evaluate((canvas) => {
    const { data, width, height } = canvas
      .getContext("2d")
      .getImageData(0, 0, canvas.width, canvas.height);
    const rows = new Set();
    for (let i = 0; i < data.length; i += 4) {
      const [red, , blue, alpha] = data.slice(i, i + 4);
      if (alpha > 0 && blue - red > 60) rows.add(Math.floor(i / 4 / width));
    }
    return [rows.size, height];
  });
  assert.ok(coloured > height / 2, `${coloured} of ${height} rows of pixels`);
});

test("on a phone nothing reaches beyond the page, in either theme", async () => {
  const { page } = opened;
  await page.setViewportSize({ width: 390, height: 844 });
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.goto(server.page("odd", "charts"));
    await allDrawn(page);
    if (process.env.SCREENSHOTS) {
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/phone-${colorScheme}.png` });
    }
    const [width, seen] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ]);
    assert.ok(width <= seen, `${colorScheme}: ${width} pixels on a page of ${seen}`);
    const wide = await page.evaluate(() =>
      [...document.querySelectorAll("figure.chart")].filter(
        (c) => c.getBoundingClientRect().right > document.documentElement.clientWidth,
      ).length,
    );
    assert.equal(wide, 0, `charts that are cut off in ${colorScheme}`);
  }
});

test("nothing complains", () => {
  assert.deepEqual(opened.complaints, []);
});
