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
import { startLogging, startManyLines } from "./live_run.mjs";

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

/**
 * Loads a page several times, each in a browser session without a cache; medians.
 *
 * @param question The call whose answer is drawn: how long it takes, and the drawing behind it.
 */
async function loads(browser, origin, path, ready, argument, question) {
  const taken = { first_paint_ms: [], ready_ms: [], requests: [], kilobytes: [] };
  if (question) Object.assign(taken, { answered_ms: [], drawing_ms: [], question_ms: [] });
  for (let round = 0; round < ROUNDS; round++) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    await page.addInitScript(noteDrawing);
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
    if (question) {
      const { asked, answered, drawing, drawn } = await page.evaluate(timesOf, question);
      taken.answered_ms.push(answered - asked);
      taken.drawing_ms.push(drawn - drawing);
      taken.question_ms.push(drawn - asked);
    }
    taken.first_paint_ms.push(await firstPaint(page));
    taken.requests.push(requests);
    taken.kilobytes.push(bytes / 1024);
    await context.close();
  }
  return Object.fromEntries(Object.entries(taken).map(([name, all]) => [name, median(all)]));
}

/** Notes when a canvas is begun to be drawn. Runs in the page. */
function noteDrawing() {
  const clear = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function (...area) {
    window.drawing ??= performance.now();
    return clear.apply(this, area);
  };
}

/** When the first call of a kind was asked and answered, and drawing began; it is drawn now. Runs in the page. */
function timesOf(question) {
  const drawn = performance.now();
  const drawing = window.drawing ?? drawn;
  const calls = performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(`/${question}`));
  return { asked: calls[0].startTime, answered: calls[0].responseEnd, drawing, drawn };
}

/**
 * How long a chart takes to be painted again when it is zoomed, of what it has, and until what was asked for that
 * stretch is drawn; medians.
 */
async function zooming(browser, origin, path) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(origin + path);
  await page.waitForFunction(drawn, 1, { polling: "raf" });
  const taken = { repainted_ms: [], refined_ms: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const box = await page.locator("figure.chart .u-over").first().boundingBox();
    await page.evaluate(watchZoom);
    await page.mouse.move(box.x + box.width * 0.4, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * (0.6 + round / 100), box.y + 60, { steps: 3 });
    await page.mouse.up();
    const { repainted, refined } = await page.evaluate(() => window.zoomed);
    taken.repainted_ms.push(repainted);
    taken.refined_ms.push(refined);
    await page.locator("figure.chart .u-over").first().dblclick();
    await page.waitForFunction(() => !location.search.includes("zoom"));
    await page.waitForTimeout(500); // all of the axis is drawn again
  }
  await page.close();
  return Object.fromEntries(Object.entries(taken).map(([name, all]) => [name, median(all)]));
}

/** Has window.zoomed tell how long after the mouse was let go what was drawn. Runs in the page. */
function watchZoom() {
  const chart = document.querySelector("figure.chart");
  const first = chart.dataset.first;
  window.zoomed = new Promise((resolve) => {
    const released = () => {
      const start = performance.now();
      let repainted;
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        repainted = performance.now() - start;
      };
      requestAnimationFrame(() => channel.port2.postMessage(null)); // behind the frame
      const look = () => {
        if (repainted === undefined || chart.dataset.first === first) requestAnimationFrame(look);
        else resolve({ repainted, refined: performance.now() - start });
      };
      requestAnimationFrame(look);
    };
    addEventListener("mouseup", released, { once: true, capture: true });
  });
}

/** How long the server takes to sort and to filter a table that is open; medians. */
async function asking(browser, origin, path, sorts, filters) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const taken = { sorted_ms: [], filtered_ms: [] };
  const timed = async (list, address) => {
    await page.goto(origin + address);
    await page.waitForFunction(table, null, { polling: "raf" });
    const { asked, answered } = await page.evaluate(timesOf, "ListRuns");
    list.push(answered - asked);
  };
  for (const sort of sorts) await timed(taken.sorted_ms, `${path}?sort=${encodeURIComponent(sort)}`);
  for (const filter of filters) await timed(taken.filtered_ms, `${path}?filter=${encodeURIComponent(filter)}`);
  await page.close();
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
async function live(browser, origin, seconds, start, charts, viewport) {
  const logging = await start(origin);
  const page = await browser.newPage({ viewport });
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const look = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { metrics } = await session.send("Performance.getMetrics");
    const of = (name) => metrics.find((m) => m.name === name).value;
    return { heap: of("JSHeapUsedSize") / 1e6, thread: of("ThreadTime"), process: of("ProcessTime"), at: of("Timestamp") };
  };
  let before;
  let after;
  try {
    await page.goto(`${origin}${logging.path}`);
    await page.waitForFunction(drawn, charts, { polling: "raf" });
    await page.waitForTimeout(5_000); // all charts in view have drawn twice
    before = await look();
    await page.waitForTimeout(seconds * 1000);
    after = await look();
  } finally {
    await logging.stop();
  }
  await page.waitForTimeout(5_000); // the last points are there
  const idle = await kilobytesPerSecond(page, IDLE_SECONDS);
  await page.close();
  return {
    seconds,
    heap_before_mb: before.heap,
    heap_growth_mb: after.heap - before.heap,
    main_thread_share: (after.thread - before.thread) / (after.at - before.at),
    process_share: (after.process - before.process) / (after.at - before.at),
    idle_kilobytes_per_second: idle,
  };
}

/** Whether at least so many charts have points. Runs in the page. */
function drawn(count) {
  const charts = document.querySelectorAll("figure.chart[data-points]:not([data-points='0']) canvas");
  return charts.length >= count;
}

const seeds = (count, digits) => Array.from({ length: count }, (_, i) => `seed-${String(i).padStart(digits, "0")}`).join(",");
const settings = Array.from({ length: 200 }, (_, i) => `a:config%2Fsetting_${String(i).padStart(3, "0")}`);
const columns = `?columns=${encodeURIComponent(settings.join(","))}`;
const SORTS = ["a:config%2Fsetting_017", "a:config%2Fsetting_118", "sys/name"];
const FILTERS = ["attr(config/setting_017) < 0.5", "attr(config/setting_003) > 0.9 AND attr(config/setting_199) < 0.2"];
const WINDOW = { width: 1280, height: 900 };
/** High and wide enough for a hundred charts, and their sections, to be seen at once. */
const WALL = { width: 1500, height: 12_000 };
const running = await serve(options.dir);
const { browser } = await openBrowser();
const { origin } = running;
const table = () => document.querySelectorAll("tbody tr").length > 10;
const figures = {};
const measured = [
  ["shell", () => shell(browser, origin)],
  ["projects", () => loads(browser, origin, "/", () => document.querySelector("main a") !== null)],
  ["long_series", () => loads(browser, origin, "/bench/bench/long/charts", drawn, 1, "BucketSeries")],
  ["long_series_zoom", () => zooming(browser, origin, "/bench/bench/long/charts")],
  ["fifty_runs", () => loads(browser, origin, `/bench/seeds?screen=charts&runs=${seeds(50, 2)}`, drawn, 1, "BucketSeries")],
  ["thousand_runs", () => loads(browser, origin, `/bench/crowd?screen=charts&runs=${seeds(1000, 3)}`, drawn, 1, "BucketSeries")],
  ["thousand_series", () => loads(browser, origin, "/bench/bench/environments/charts", drawn, 1, "BucketSeries")],
  ["wide_run", () => loads(browser, origin, "/bench/bench/wide/charts", drawn, 4)],
  ["wide_run_scrolling", () => scrolling(browser, origin, "/bench/bench/wide/charts", drawn, 1, "main")],
  ["runs_table", () => loads(browser, origin, "/bench/table", table)],
  ["runs_table_scrolling", () => scrolling(browser, origin, "/bench/table", table, null, "table")],
  ["runs_columns", () => asking(browser, origin, "/bench/columns", SORTS, FILTERS)],
  ["runs_columns_scrolling", () => scrolling(browser, origin, `/bench/columns${columns}`, table, null, "table")],
  ["million_episodes", () => loads(browser, origin, "/bench/bench/episodes/episodes", table, null, "ListEpisodes")],
  ["live_wall", () => live(browser, origin, 20, startManyLines, 100, WALL)],
  ["live", () => live(browser, origin, Number(options["live-seconds"]), startLogging, 1, WINDOW)],
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
  ["  from its question to its drawing", "ms", "long_series question_ms", 150],
  ["  zoomed: painted again, a frame's wait included", "ms", "long_series_zoom repainted_ms", 16 + 17],
  ["  zoomed: drawn as asked for anew", "ms", "long_series_zoom refined_ms", 150],
  ["chart of 50 runs x 100,000 points, page included", "ms", "fifty_runs ready_ms", 860],
  ["  answered", "ms", "fifty_runs answered_ms", 300],
  ["  from its question to its drawing", "ms", "fifty_runs question_ms", 300 + 60],
  ["  drawn, a frame's wait included", "ms", "fifty_runs drawing_ms", 60 + 17],
  ["chart of 1,000 runs x 100,000 points", "ms", "thousand_runs question_ms", 1500],
  ["chart of 1,024 environments, drawn", "ms", "thousand_series drawing_ms", 150],
  ["20,000 series, charts in view drawn", "ms", "wide_run ready_ms", 1000],
  ["  requests until then", "", "wide_run requests", undefined],
  ["  scrolling", "frames/s", "wide_run_scrolling frames_per_second", -50],
  ["table of 10,000 runs, first rows", "ms", "runs_table ready_ms", 700],
  ["  scrolling", "frames/s", "runs_table_scrolling frames_per_second", -50],
  ["  of 200 columns, sorted by the server", "ms", "runs_columns sorted_ms", 200],
  ["  of 200 columns, filtered by the server", "ms", "runs_columns filtered_ms", 200],
  ["  of 200 columns, all shown, scrolling", "frames/s", "runs_columns_scrolling frames_per_second", -50],
  ["a million episodes, first page", "ms", "million_episodes ready_ms", 800],
  ["  from its question to its drawing", "ms", "million_episodes question_ms", 300],
  ["100 charts of 30 lines live, main thread", "of a core", "live_wall main_thread_share", 0.25],
  ["  with the threads that paint tiles", "of a core", "live_wall process_share", undefined],
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
