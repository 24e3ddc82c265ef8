// Measures the dashboard in Debian's Chromium, without a graphics processor, against a
// real server: node tests/bench/dashboard.mjs --dir DIR [--only NAME] [--live-seconds N]
// [--output FILE].
// DIR is what `go/bench/store extras` and `pages` made. README.md in the folder above says
// what each figure is.

import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { serve } from "../browser/bare_server.mjs";
import { openBrowser } from "../browser/browser.mjs";
import { shellKilobytes } from "../browser/shell_size.mjs";
import { startLogging } from "./live_run.mjs";

const { values: options } = parseArgs({
  options: {
    dir: { type: "string" },
    output: { type: "string" },
    only: { type: "string" },
    "live-seconds": { type: "string", default: "60" },
  },
});
if (!options.dir) throw new Error("--dir DIR: which data directory?");

const ROUNDS = 5;

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Loads a page several times, each in a browser session without a cache; medians. */
async function loads(browser, origin, path, ready, argument) {
  const taken = { first_paint_ms: [], ready_ms: [], requests: [], kilobytes: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    const network = await context.newCDPSession(page);
    await network.send("Network.enable");
    let bytes = 0;
    let requests = 0;
    network.on("Network.loadingFinished", (event) => {
      bytes += event.encodedDataLength;
      requests++;
    });
    const start = performance.now();
    await page.goto(origin + path, { waitUntil: "commit" });
    await page.waitForFunction(ready, argument, { polling: "raf" });
    taken.ready_ms.push(performance.now() - start);
    taken.first_paint_ms.push(await firstPaint(page));
    taken.requests.push(requests);
    taken.kilobytes.push(bytes / 1024);
    await context.close();
  }
  return Object.fromEntries(Object.entries(taken).map(([name, all]) => [name, median(all)]));
}

const firstPaint = (page) =>
  page.evaluate(
    () =>
      new Promise((resolve) => {
        new PerformanceObserver((list) => {
          for (const entry of list.getEntriesByName("first-contentful-paint")) resolve(entry.startTime);
        }).observe({ type: "paint", buffered: true });
      }),
  );

/** What the shell is: all that the table of runs loads that is no data, gzip's size of it. */
async function shell(browser, origin) {
  const page = await browser.newPage();
  const kilobytes = await shellKilobytes(page, `${origin}/bench/table`);
  await page.close();
  return { gzip_kilobytes: kilobytes };
}

/** Frames a second while an element, or the page, is scrolled by wheel for two seconds. */
async function scrolling(browser, origin, path, ready, argument, over) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(origin + path);
  await page.waitForFunction(ready, argument, { polling: "raf" });
  const box = await page.locator(over).first().boundingBox();
  await page.mouse.move(box.x + 200, Math.min(box.y + 200, 700));
  const frames = page.evaluate(
    () =>
      new Promise((resolve) => {
        const gaps = [];
        let last = performance.now();
        const end = last + 2000;
        const frame = (now) => {
          gaps.push(now - last);
          last = now;
          if (now < end) requestAnimationFrame(frame);
          else resolve(gaps.slice(1));
        };
        requestAnimationFrame(frame);
      }),
  );
  for (let turn = 0; turn < 60; turn++) await page.mouse.wheel(0, 120);
  const gaps = await frames;
  await page.close();
  return { frames_per_second: (1000 * gaps.length) / gaps.reduce((a, b) => a + b, 0), longest_frame_ms: Math.max(...gaps) };
}

/** How long a page that follows a run is watched while nothing is logged. */
const IDLE_SECONDS = 30;

/** Kilobytes a second that a page is sent, headers included, as they are when unpacked. */
async function kilobytesPerSecond(page, seconds) {
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  let bytes = 0;
  network.on("Network.responseReceived", ({ response }) => {
    bytes += response.encodedDataLength;
  });
  network.on("Network.dataReceived", (event) => {
    bytes += event.dataLength;
  });
  await page.waitForTimeout(seconds * 1000);
  await network.detach();
  return bytes / 1024 / seconds;
}

/**
 * Heap of a page that follows a run for some time, after collecting garbage; and what it
 * is sent once nothing is logged any more.
 */
async function live(browser, origin, seconds) {
  const logging = await startLogging(origin);
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const look = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { metrics } = await session.send("Performance.getMetrics");
    const of = (name) => metrics.find((m) => m.name === name).value;
    return { heap: of("JSHeapUsedSize") / 1e6, cpu: of("TaskDuration"), at: of("Timestamp") };
  };
  await page.goto(`${origin}${logging.path}`);
  await page.waitForFunction(drawn, 1, { polling: "raf" });
  await page.waitForTimeout(5_000); // all charts in view have drawn twice
  const before = await look();
  await page.waitForTimeout(seconds * 1000);
  const after = await look();
  await logging.stop();
  await page.waitForTimeout(5_000); // the last points are there
  const idle = await kilobytesPerSecond(page, IDLE_SECONDS);
  await page.close();
  return {
    seconds,
    heap_before_mb: before.heap,
    heap_growth_mb: after.heap - before.heap,
    main_thread_share: (after.cpu - before.cpu) / (after.at - before.at),
    idle_kilobytes_per_second: idle,
  };
}

/** Whether at least so many charts have points. Runs in the page. */
function drawn(count) {
  const charts = document.querySelectorAll("figure.chart[data-points]:not([data-points='0']) canvas");
  return charts.length >= count;
}

const runs = Array.from({ length: 50 }, (_, i) => `seed-${String(i).padStart(2, "0")}`).join(",");
const running = await serve(options.dir);
const { browser } = await openBrowser();
const { origin } = running;
const table = () => document.querySelectorAll("tbody tr").length > 10;
const figures = {};
const measured = [
  ["shell", () => shell(browser, origin)],
  ["projects", () => loads(browser, origin, "/", () => document.querySelector("main a") !== null)],
  ["long_series", () => loads(browser, origin, "/bench/bench/long/charts", drawn, 1)],
  ["fifty_runs", () => loads(browser, origin, `/bench/seeds?screen=charts&runs=${runs}`, drawn, 1)],
  ["wide_run", () => loads(browser, origin, "/bench/bench/wide/charts", drawn, 4)],
  ["wide_run_scrolling", () => scrolling(browser, origin, "/bench/bench/wide/charts", drawn, 1, "main")],
  ["runs_table", () => loads(browser, origin, "/bench/table", table)],
  ["runs_table_scrolling", () => scrolling(browser, origin, "/bench/table", table, null, "table")],
  ["million_episodes", () => loads(browser, origin, "/bench/bench/episodes/episodes", table)],
  ["live", () => live(browser, origin, Number(options["live-seconds"]))],
];
try {
  for (const [name, measure] of measured) {
    if (options.only && name !== options.only) continue;
    process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${name}\n`);
    figures[name] = await measure();
  }
  if (Object.keys(figures).length === 0) {
    throw new Error(`--only ${options.only}: there are ${measured.map(([name]) => name).join(", ")}`);
  }
} finally {
  await browser.close();
  const code = await running.stop();
  if (code !== 0) throw new Error(`the server exited with ${code}`);
}
// what, unit, where the figure lies, what it may be (or, with a minus, must be at least)
const BUDGET = [
  ["shell, gzip", "KB", "shell gzip_kilobytes", 110],
  ["first paint, nothing cached", "ms", "projects first_paint_ms", 500],
  ["chart of 10 M points, page included", "ms", "long_series ready_ms", 650],
  ["chart of 50 runs x 100,000 points, page included", "ms", "fifty_runs ready_ms", 860],
  ["20,000 series, charts in view drawn", "ms", "wide_run ready_ms", 1000],
  ["  requests until then", "", "wide_run requests", undefined],
  ["  scrolling", "frames/s", "wide_run_scrolling frames_per_second", -50],
  ["table of 10,000 runs, first rows", "ms", "runs_table ready_ms", 700],
  ["  scrolling", "frames/s", "runs_table_scrolling frames_per_second", -50],
  ["a million episodes, first page", "ms", "million_episodes ready_ms", 800],
  ["growth of the heap while live", "MB", "live heap_growth_mb", 20],
  ["main thread while live", "of a core", "live main_thread_share", 0.25],
  ["sent to a page while nothing is logged", "KB/s", "live idle_kilobytes_per_second", 50],
];

function tableOf(figures) {
  const lines = [`${"".padEnd(50)}${"".padEnd(10)}${"ours".padStart(10)}  budget`];
  for (const [what, unit, path, budget] of BUDGET) {
    const value = path.split(" ").reduce((at, key) => at?.[key], figures);
    if (value === undefined) continue; // not measured
    const met = budget < 0 ? value >= -budget : value <= budget;
    const verdict = budget === undefined ? "" : `${budget < 0 ? ">=" : "<="} ${Math.abs(budget)}  ${met ? "met" : "MISSED"}`;
    lines.push(`${what.padEnd(50)}${unit.padEnd(10)}${value.toPrecision(4).padStart(10)}  ${verdict}`);
  }
  return lines.join("\n");
}

process.stderr.write(`${tableOf(figures)}\n`);
const text = JSON.stringify(figures, null, 1);
process.stdout.write(`${text}\n`);
if (options.output) await writeFile(options.output, `${text}\n`);
