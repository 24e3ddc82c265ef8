// The workspace of charts: what is drawn, zoomed, set, copied and saved.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { startServer } from "./bare_server.mjs";
import { openBrowser } from "./browser.mjs";
import { watchCurves } from "./curve_answers.mjs";
import { startRuns } from "./filled_server.mjs";
import { startProgram } from "./program.mjs";
import { moreNews, watchQuestions } from "./questions.mjs";

const python = new URL("../../.venv/bin/python", import.meta.url).pathname;
const SPIKE_AT = 654_321; // see runs_project.py

let server;
let opened;
let questions;

before(async () => {
  server = await startRuns();
  opened = await openBrowser();
  questions = watchQuestions(opened.page);
  await opened.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
});

after(async () => {
  await opened?.browser.close();
  if (server) assert.equal(await server.stop(), 0, "the server's exit code");
});

const page_ = (path) => `${server.origin}/w/curves${path}`;
const chartOf = (page, metric) => page.locator(`figure.chart[data-metric="${metric}"]`);

/** A chart that has drawn its points. */
async function drawn(page, metric) {
  const chart = chartOf(page, metric);
  await chart.locator("canvas").waitFor();
  await page.waitForFunction(
    (metric) => Number(document.querySelector(`figure[data-metric="${metric}"]`)?.dataset.points) > 0,
    metric,
  );
  return chart;
}

/** Drags over a part of a chart, from one fraction of its width to another. */
async function drag(page, chart, from, to) {
  await chart.scrollIntoViewIfNeeded();
  const area = await chart.locator(".u-over").boundingBox();
  const y = area.y + area.height / 2;
  await page.mouse.move(area.x + area.width * from, y);
  await page.mouse.down();
  await page.mouse.move(area.x + area.width * to, y, { steps: 4 });
  await page.mouse.up();
}

/** The highest number that a chart's table has as a maximum. */
async function highest(chart) {
  await chart.locator(".menu > summary").click();
  await chart.getByRole("button", { name: "Show as table" }).click();
  const cells = await chart.locator(".curve-table tbody tr td:nth-child(5)").allInnerTexts();
  await chart.locator(".menu > summary").click();
  await chart.getByRole("button", { name: "Show as chart" }).click();
  return Math.max(...cells.map(Number));
}

/** Logs a run until it is stopped, which then logs a metric that it had not. */
function startLogging(url) {
  const program = `
import sys, threading, metrana
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set())).start()
with metrana.init(workspace_name="w", project_name="curves", run_name="live", ingestion_url=sys.argv[1]) as run:
    run.log("value", 0.0)
    metrana.flush()
    print("started", flush=True)
    while not stop.wait(0.1):
        run.log("value", 1.0)
    run.log("final", 1.0)
`;
  return startProgram(program, url);
}

/** Logs a point of a metric of a run for each name it is told; answers "flush" when all are stored. */
function startStepping(url, run) {
  const program = `
import sys, metrana
with metrana.init(workspace_name="w", project_name="curves", run_name="${run}", ingestion_url=sys.argv[1]) as run:
    run.log("value", 0.0)
    metrana.flush()
    print("started", flush=True)
    for line in sys.stdin:
        if line != "flush\\n":
            run.log(line.strip(), 1.0)
        elif metrana.flush():
            print("stored", flush=True)
`;
  return startProgram(program, url);
}

test("one point far above a million others is seen at every zoom", async () => {
  const { page } = opened;
  await page.goto(page_("/spike/charts?find=signal"));
  let chart = await drawn(page, "signal");
  assert.equal(await highest(chart), 50);
  let [from, to] = [0, 1_000_000];
  while (to - from > 50) {
    const at = (SPIKE_AT - from) / (to - from);
    const [left, right] = [Math.max(0.01, at - 0.12), Math.min(0.99, at + 0.12)];
    const before = page.url();
    await drag(page, chart, left, right);
    await page.waitForFunction((before) => location.href !== before, before);
    [, from, to] = new URL(page.url()).searchParams.get("zoom").match(/^step:(\d+)\.\.(\d+)$/).map(Number);
    await page.waitForFunction(
      ([from, to]) => {
        const { first, points } = document.querySelector('figure[data-metric="signal"]').dataset;
        return Number(first) >= from && Number(points) <= to - from + 1;
      },
      [from, to],
    );
    chart = await drawn(page, "signal");
    assert.equal(await highest(chart), 50, `from ${from} to ${to}`);
  }
  // Down to raw points: each is its own bucket.
  assert.equal(await chart.getAttribute("data-points"), await chart.getAttribute("data-buckets"));
});

test("a double click shows all again", async () => {
  const { page } = opened;
  const chart = await drawn(page, "signal");
  await chart.locator(".u-over").dblclick();
  await page.waitForFunction(
    () => document.querySelector('figure[data-metric="signal"]').dataset.points === "1000000",
  );
  assert.equal(new URL(page.url()).searchParams.get("zoom"), null);
});

test("runs lie in one chart, with marks where one is not finite", async () => {
  const { page } = opened;
  await page.goto(page_("?screen=charts&runs=odd,other,spike"));
  const chart = await drawn(page, "train/loss");
  const legend = chart.locator(".legend");
  assert.match(await legend.innerText(), /odd[\s\S]*2 not finite[\s\S]*other[\s\S]*spike/);
});

test("what is set stays in the address and comes back from it", async () => {
  const { page } = opened;
  await page.getByLabel("log y").first().check();
  await page.getByLabel("without outliers").first().check();
  await page.keyboard.press("Escape");
  await page.locator("h1").click();
  for (const key of ["s", "x", "x"]) await page.keyboard.press(key);
  await page.waitForFunction(() => location.search.includes("total"));
  const view = new URL(page.url()).searchParams.get("view");
  assert.equal(view, "total,smooth=0.6,logy,robust");
  const chart = await drawn(page, "train/loss");
  await questions.quiet();
  const picture = await chart.locator("canvas").evaluate((canvas) => canvas.toDataURL());
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.getByText("Link copied").waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  await page.goto("about:blank");
  await page.goto(link);
  await drawn(page, "train/loss");
  await page.waitForFunction(
    (picture) => document.querySelector('figure[data-metric="train/loss"] canvas')?.toDataURL() === picture,
    picture,
  );
});

test("lines are smoothed in another way, which the address keeps", async () => {
  const { page } = opened;
  await page.goto(page_("/odd/charts?find=sizes"));
  const chart = await drawn(page, "sizes");
  const picture = () => chart.locator("canvas").evaluate((canvas) => canvas.toDataURL());
  const plain = await picture();
  await page.locator(".chart-bar").getByLabel("Smoothing").selectOption("Gaussian");
  await page.waitForFunction(() => decodeURIComponent(location.search).includes("view=gaussian=1"));
  await page.locator("h1").click();
  await page.keyboard.press("s");
  await page.waitForFunction(() => decodeURIComponent(location.search).includes("view=gaussian=3"));
  const changed = async (before) => {
    while ((await picture()) === before) await page.evaluate(() => new Promise(requestAnimationFrame));
    return picture();
  };
  const gaussian = await changed(plain);
  await page.locator(".chart-bar").getByLabel("Smoothing").selectOption("running mean");
  await changed(gaussian);
  await page.reload();
  await drawn(page, "sizes");
  assert.equal(await page.locator(".chart-bar").getByLabel("Smoothing").inputValue(), "running");
  assert.equal(await page.locator(".chart-bar output").innerText(), "3");
});

/** What the legend tells of a chart's line at an x of a stretch. */
async function valueAt(page, chart, x, [from, to]) {
  const area = await chart.locator(".u-over").boundingBox();
  await page.mouse.move(area.x + (area.width * (x - from)) / (to - from), area.y + area.height / 2);
  await chart.locator(".legend .at", { hasText: "at " }).waitFor();
  return Number(await chart.locator(".legend .value").innerText());
}

test("a smoothed line stays the same when it is zoomed", async () => {
  const { page } = opened;
  await page.goto(page_("/spike/charts?find=signal&view=gaussian%3D50"));
  const chart = await drawn(page, "signal");
  const before = await valueAt(page, chart, SPIKE_AT, [0, 999_999]);
  const zoom = [SPIKE_AT - 5_000, SPIKE_AT + 5_000];
  await page.goto(page_(`/spike/charts?find=signal&view=gaussian%3D50&zoom=step:${zoom.join("..")}`));
  const zoomed = await drawn(page, "signal");
  const after = await valueAt(page, zoomed, SPIKE_AT, zoom);
  // The sine itself is 0.5 here; what half a bucket to the side differs by is far less.
  assert.ok(Math.abs(before) < 0.3, `${before} is hardly smoothed`);
  assert.ok(Math.abs(after - before) < 0.02, `${before} before, ${after} zoomed`);
});

test("a chart may be set apart from its page", async () => {
  const { page } = opened;
  await page.goto(page_("/odd/charts"));
  const sizes = await drawn(page, "sizes");
  await sizes.locator(".menu > summary").click();
  await sizes.getByLabel("log y").check();
  await page.waitForFunction(() => decodeURIComponent(location.search).includes("logy"));
  await page.locator("h1").click(); // a click elsewhere closes the menu
  const loss = await drawn(page, "train/loss");
  await loss.locator(".menu > summary").click();
  assert.ok(!(await loss.getByLabel("log y").isChecked()));
});

test("a chart is pinned to the top, which the address keeps", async () => {
  const { page } = opened;
  await page.goto(page_("/odd/charts"));
  const loss = await drawn(page, "train/loss");
  await loss.locator(".menu > summary").click();
  await loss.getByRole("button", { name: "Pin to the top" }).click();
  const first = page.locator(".chart-grid h2").first();
  await first.getByText("Pinned 1").waitFor();
  await page.reload();
  await first.getByText("Pinned 1").waitFor();
  const charts = page.locator("figure.chart canvas").locator("xpath=ancestor::figure");
  await charts.nth(2).waitFor();
  assert.deepEqual(
    await charts.evaluateAll((figures) => figures.map((figure) => figure.dataset.metric)),
    ["train/loss", "sizes", "train/loss"],
  );
  await charts.first().locator(".menu > summary").click();
  await charts.first().getByRole("button", { name: "Unpin" }).click();
  await first.getByText("General").waitFor();
  assert.equal(new URL(page.url()).search, "");
});

test("a regular expression finds metrics; a wrong one is said to be", async () => {
  const { page } = opened;
  await page.goto(page_("/odd/charts"));
  await drawn(page, "train/loss");
  await page.keyboard.press("/");
  await page.keyboard.type("^siz");
  await chartOf(page, "train/loss").waitFor({ state: "detached" });
  await drawn(page, "sizes");
  await page.keyboard.type("(");
  await page.getByText("is no regular expression").waitFor();
});

test("numbers and pictures are saved, and the program that gives them is copied", async () => {
  const { page } = opened;
  await page.goto(page_("/other/charts"));
  const chart = await drawn(page, "train/loss");
  const save = async (name) => {
    await chart.locator(".menu > summary").click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      chart.getByRole("button", { name }).click(),
    ]);
    return { file: download.suggestedFilename(), bytes: await readFile(await download.path()) };
  };
  const csv = await save("Save CSV");
  assert.equal(csv.file, "train_loss.csv");
  const rows = csv.bytes.toString().trim().split("\r\n");
  assert.equal(rows.length, 501);
  assert.equal(rows[1], "train/loss,other,,0,1,1,1,1,1");
  const svg = await save("Save SVG");
  assert.match(svg.bytes.toString(), /^<svg [\s\S]*<path d="M[\s\S]*<\/svg>\n$/);
  const png = await save("Save PNG");
  assert.equal(png.bytes.subarray(1, 4).toString(), "PNG");
  // With its title, twice as large as the vectors.
  assert.match(svg.bytes.toString(), /width="720" height="360"[\s\S]*>train\/loss<\/text>/);
  assert.deepEqual([png.bytes.readUInt32BE(16), png.bytes.readUInt32BE(20)], [1440, 720]);
  await chart.locator(".menu > summary").click();
  await chart.getByRole("button", { name: "Copy as Python" }).click();
  const program = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(program, /client\.fetch_curves\(\s+\["other"\],\s+SeriesFilter\("train\/loss"\)/);
});

test("times are written on a saved chart as on the page", async () => {
  const { page } = opened;
  await page.goto(page_("/other/charts?view=wall"));
  const chart = await drawn(page, "train/loss");
  await chart.locator(".menu > summary").click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    chart.getByRole("button", { name: "Save SVG" }).click(),
  ]);
  const svg = await readFile(await download.path(), "utf8");
  assert.match(svg, />\d\d:\d\d:\d\d(\.\d{3})?<\/text>[\s\S]*>time of day \(UTC\)<\/text>/);
});

test("the copied program gives the numbers of the chart", async () => {
  const { page } = opened;
  await page.goto(page_("/spike/charts?find=signal&zoom=step:600000..700000"));
  const chart = await drawn(page, "signal");
  await page.waitForFunction(
    () => document.querySelector('figure[data-metric="signal"]').dataset.points === "100001",
  );
  await chart.locator(".menu > summary").click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    chart.getByRole("button", { name: "Save CSV" }).click(),
  ]);
  const rows = (await readFile(await download.path(), "utf8")).trim().split("\r\n").slice(1);
  const shown = rows.map((row) => row.split(",").slice(3).map(Number));
  await chart.locator(".menu > summary").click();
  await chart.getByRole("button", { name: "Copy as Python" }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  const told = `${copied}\nprint(curves.to_pandas().iloc[:, 3:].to_json(orient="values", double_precision=15))\n`;
  const { stdout } = await promisify(execFile)(python, ["-c", told]);
  const given = JSON.parse(stdout);
  assert.equal(given.length, shown.length);
  given.flat().forEach((value, i) => {
    assert.ok(Math.abs(value - shown.flat()[i]) <= 1e-12 * Math.max(1, Math.abs(value)), `${value} at ${i}`);
  });
});

test("a chart along an axis of its own is zoomed apart from the others", async () => {
  const { page } = opened;
  await page.goto(page_("/odd/charts?own=sizes%20ML_STEP:relative"));
  const sizes = await drawn(page, "sizes");
  assert.equal(await sizes.getAttribute("data-axis"), "relative");
  const loss = await drawn(page, "train/loss");
  await drag(page, loss, 0.1, 0.5);
  await loss.getByRole("button", { name: "Show all" }).waitFor();
  assert.equal(await sizes.getByRole("button", { name: "Show all" }).count(), 0);
  assert.equal(await sizes.getAttribute("data-points"), "300");
  assert.match(new URL(page.url()).searchParams.get("zoom"), /^step:\d+\.\.\d+$/);
});

test("a click in a legend draws a run alone, on all charts and from the address", async () => {
  const { page } = opened;
  const hidden = () => page.locator("figure[data-metric='train/loss'] .hidden-line").allInnerTexts();
  await page.goto(page_("?screen=charts&runs=odd,other,spike"));
  const loss = await drawn(page, "train/loss");
  await loss.getByRole("button", { name: "other" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".hidden-line").length === 4);
  assert.equal(new URL(page.url()).searchParams.get("lines"), "only,other");
  await loss.getByRole("button", { name: "spike" }).click({ modifiers: ["Alt"] });
  await page.reload();
  await drawn(page, "train/loss");
  assert.match((await hidden()).join(), /^odd[^,]*$/);
  await page.getByRole("button", { name: "Show all lines" }).click();
  await page.locator(".hidden-line").first().waitFor({ state: "detached" });
});

test("a run that is logging is followed, also by answers slower than its news", async () => {
  const { page } = opened;
  const slow = "**/*BucketSeries";
  await page.route(slow, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 1500)); // news come twice a second
    await route.continue().catch(() => {}); // the page has left meanwhile
  });
  const logging = await startLogging(server.origin);
  await page.goto(page_("/live/charts"));
  await drawn(page, "value");
  const points = () => document.querySelector('figure[data-metric="value"]').dataset.points;
  const chart = chartOf(page, "value");
  await chart.locator(".curve-plot").focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  const card = chart.getByRole("dialog").and(chart.locator('[aria-busy="false"]'));
  await card.waitFor();
  const told = await card.innerText();
  for (let turn = 0; turn < 2; turn++) {
    const before = await page.evaluate(points);
    await page.waitForFunction(
      (before) =>
        Number(document.querySelector('figure[data-metric="value"]').dataset.points) > Number(before),
      before,
    );
  }
  assert.equal(await card.innerText(), told, "the card of a point while others come");
  await page.unroute(slow);
  await page.getByRole("button", { name: "live", exact: true }).waitFor();
  await logging.stop();
  await drawn(page, "final");
  await page.getByRole("button", { name: "at rest" }).waitFor();
});

/** Until a chart has so many points. */
const hasPoints = (page, metric, count) =>
  page.waitForFunction(
    ([metric, count]) =>
      document.querySelector(`figure[data-metric="${metric}"]`)?.dataset.points === String(count),
    [metric, count],
  );

/** Makes a page hold itself to be seen or hidden. */
const setVisibility = (page, state) =>
  page.evaluate((state) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);

/** Opens the charts of a run that is logging, until they have so many points; gives what is asked from then on. */
async function openLive(page, address, points) {
  const questions = watchQuestions(page);
  let listed = 0;
  const listedAgain = page.waitForRequest((r) => r.url().endsWith("/ListMetricDefinitions") && ++listed === 2);
  await page.goto(address);
  for (const [metric, count] of Object.entries(points)) await hasPoints(page, metric, count);
  await listedAgain; // what was logged while the page was opening
  await questions.quiet();
  questions.asked.length = 0;
  return questions;
}

test("a point appears within two seconds, on its chart alone, and leaves the zoom", async (t) => {
  const page = await opened.browser.newPage();
  const logging = await startStepping(server.origin, "stepping");
  t.after(() => Promise.all([page.close(), logging.stop()]));
  logging.say("other");
  const address = page_("/stepping/charts?zoom=step:0..1000");
  const { asked, quiet } = await openLive(page, address, { value: 1, other: 1 });
  for (let points = 2; points <= 4; points++) {
    const logged = performance.now();
    logging.say("value");
    await hasPoints(page, "value", points);
    assert.ok(performance.now() - logged < 2000, `after ${performance.now() - logged} ms`);
  }
  assert.deepEqual(asked, Array(3).fill("BatchBucketSeries"));
  logging.say("new");
  await hasPoints(page, "new", 1);
  assert.equal(new URL(page.url()).searchParams.get("zoom"), "step:0..1000");
  await chartOf(page, "value").getByRole("button", { name: "Show all" }).waitFor();
});

test("charts that follow a run ask together, and one that fails leaves the others alone", async (t) => {
  const page = await opened.browser.newPage({ viewport: { width: 1500, height: 1800 } });
  const logging = await startStepping(server.origin, "together");
  t.after(() => Promise.all([page.close(), logging.stop()]));
  const metrics = Array.from({ length: 8 }, (_, i) => `metric-${i}`);
  for (const metric of metrics) logging.say(metric);
  const { asked } = await openLive(page, page_("/together/charts"), { "metric-0": 1, "metric-7": 1 });
  for (const metric of metrics) logging.say(metric);
  for (const metric of metrics) await hasPoints(page, metric, 2);
  assert.ok(asked.length < metrics.length, asked.join(" "));
  assert.deepEqual(new Set(asked), new Set(["BatchBucketSeries"]));
  await page.route("**/BatchBucketSeries", (route) => route.abort());
  logging.say("value");
  const alone = chartOf(page, "value").getByRole("alert");
  await alone.waitFor();
  assert.equal(await page.getByRole("alert").count(), 1);
  await page.unroute("**/BatchBucketSeries");
  logging.say("value");
  await hasPoints(page, "value", 3);
  await alone.waitFor({ state: "detached" });
});

test("of several runs only the one that got points travels", async (t) => {
  const page = await opened.browser.newPage();
  const names = ["first", "second", "third"];
  const [first, second, third] = await Promise.all(names.map((run) => startStepping(server.origin, run)));
  t.after(() => Promise.all([page.close(), first.stop(), second.stop(), third.stop()]));
  await openLive(page, page_(`?screen=charts&runs=${names}&find=value`), { value: 3 });
  const { answers } = watchCurves(page);
  second.say("value");
  await hasPoints(page, "value", 4);
  const zoomed = page.waitForResponse("**/BucketSeries");
  await page.evaluate(() => {
    window.history.pushState(null, "", `${window.location.href}&zoom=step:0..1000`);
    window.dispatchEvent(new PopStateEvent("popstate"));
  });
  await zoomed;
  second.say("value");
  await hasPoints(page, "value", 5);
  const onlySecond = { runs: ["second"], unchanged: ["first", "third"] };
  assert.deepEqual(await answers(), [onlySecond, { runs: names, unchanged: [] }, onlySecond]);
});

test("nothing is asked while nothing is logged; a page that is hidden has no stream", async (t) => {
  const page = await opened.browser.newPage();
  const logging = await startStepping(server.origin, "still");
  t.after(() => Promise.all([page.close(), logging.stop()]));
  const { asked } = await openLive(page, page_("/still/charts"), { value: 1 });
  await moreNews(page); // a heartbeat
  const closed = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/Tail"));
  await setVisibility(page, "hidden");
  await closed;
  logging.say("value");
  logging.say("flush");
  await logging.answer();
  assert.deepEqual(asked, []);
  await setVisibility(page, "visible");
  await hasPoints(page, "value", 2);
});

test("pages are stale while their server is away, and go on when it was started again", async (t) => {
  const away = await startServer();
  const page = await opened.browser.newPage();
  const projects = await opened.browser.newPage();
  const logging = await startStepping(away.origin, "away");
  t.after(async () => {
    await Promise.all([page.close(), projects.close(), logging.stop()]);
    await away.stop();
  });
  await projects.goto(away.origin);
  await projects.getByRole("link", { name: "curves" }).waitFor();
  const chip = (state) => page.getByRole("button", { name: state, exact: true }).waitFor();
  await openLive(page, `${away.origin}/w/curves/away/charts`, { value: 1 });
  await chip("live");
  assert.equal(await away.end(), 0);
  await chip("stale");
  const old = projects.getByText("What is shown may be old");
  await old.waitFor();
  logging.say("value");
  await away.start();
  await old.waitFor({ state: "detached" });
  await chip("live");
  await hasPoints(page, "value", 2);
  logging.say("value");
  await hasPoints(page, "value", 3);
});

test("space pauses and goes on", async () => {
  const { page } = opened;
  await page.locator("h1").click();
  await page.keyboard.press(" ");
  await page.getByRole("button", { name: "paused" }).waitFor();
  await page.keyboard.press(" ");
  await page.getByRole("button", { name: "at rest" }).waitFor();
});

test("pages ask only their server, and nothing complains", async () => {
  const { complaints, requests } = opened;
  const strangers = requests.map((r) => new URL(r.url())).filter((u) => u.origin !== server.origin);
  assert.deepEqual(strangers.filter((u) => !["data:", "about:", "blob:"].includes(u.protocol)).map(String), []);
  assert.deepEqual(complaints, []);
});
