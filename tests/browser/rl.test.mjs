// What somebody does who wants to know how their environments, episodes and seeds fared.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { startPpo } from "./filled_server.mjs";

const python = new URL("../../.venv/bin/python", import.meta.url).pathname;

const SEEDS = 4;
const ENVIRONMENTS = 64;

let server;
let opened;

before(async () => {
  server = await startPpo("--seeds", String(SEEDS), "--updates", "30", "--videos", "2");
  opened = await openBrowser();
});

after(async () => {
  await opened?.browser.close();
  if (server) assert.equal(await server.stop(), 0, "the exit code after Ctrl-C");
});

const metrics = [{ seriesQuery: 'return(scale="EPISODE")' }];

/** How many colours a canvas has. */
const coloursOf = (canvas) =>
  canvas.evaluate((element) => {
    const copy = new OffscreenCanvas(element.width, element.height);
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(element, 0, 0);
    const { data } = context.getImageData(0, 0, copy.width, copy.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });

/** Until a condition holds for what `look` gives, which comes back. */
async function until(look, holds) {
  const { page } = opened;
  const deadline = Date.now() + 15_000;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(seen)}, which does not fit ${holds}`);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
}

const totalOf = (page) =>
  until(
    () => page.locator(".answer:not(.loading) table[data-total]").first().getAttribute("data-total"),
    (total) => total !== null,
  ).then(Number);

/** The total once it is another one than before. */
const changedTotal = (page, before) => until(() => totalOf(page), (total) => total !== before);

const searchOf = (page) => new URL(page.url()).searchParams;

test("the table of runs shows, sorts and filters by the return of the latest episodes", async () => {
  const { page } = opened;
  const lasts = new Map();
  for (const run of server.runs) {
    const { metrics: columns } = await server.ask("ListEnvironments", run, { metrics, limit: ENVIRONMENTS });
    const bytes = Buffer.from(columns[0], "base64");
    const values = Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(8 * i));
    assert.equal(values.length, ENVIRONMENTS);
    lasts.set(run, values.reduce((sum, value) => sum + value) / ENVIRONMENTS);
  }
  const best = [...server.runs].sort((a, b) => lasts.get(b) - lasts.get(a));
  const shown = () => page.locator("tbody tr[data-run]").evaluateAll((rows) => rows.map((r) => r.dataset.run));
  await page.goto(server.page());
  const header = page.getByRole("button", { name: "return last" });
  await header.waitFor();
  assert.equal(await header.getAttribute("title"), "Mean over environments of the latest episode of each");
  const heads = await page.locator("thead th").allInnerTexts();
  const place = heads.findIndex((text) => text.includes("return last"));
  for (const [run, last] of lasts) {
    const row = page.locator(`tr[data-run="${run}"]`);
    await row.locator("svg.sparkline polyline").waitFor();
    const cell = Number(await row.locator("td").nth(place).innerText());
    assert.ok(Math.abs(cell - last) <= Math.abs(last) * 1e-3, `${run}: ${cell}, not ${last}`);
  }
  await header.click();
  await until(shown, (runs) => String(runs) === String(best));
  const above = lasts.get(best[2]) - 1e-6;
  const filter = page.getByLabel("Filter", { exact: true });
  await filter.fill(`return(scale="EPISODE"):last > ${above}`);
  await filter.press("Enter");
  await until(shown, (runs) => String(runs) === String(best.slice(0, 3)));
});

const overview = (page, parameters = "") => page.goto(`${server.page("ppo-s0")}${parameters}`);

/** The numbers of a column of the server's. */
const numbersOf = (column) => {
  const bytes = Buffer.from(column, "base64");
  return Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(8 * i));
};

test("the overview draws every episode behind what they come to", async () => {
  const { page } = opened;
  await overview(page);
  const chart = page.locator("figure[data-density=return]");
  const legend = chart.locator(".legend");
  await legend.waitFor();
  const along = (column) => ({
    metrics,
    x: { column, bins: 120, whole: true },
    y: { column: "EPISODE_COLUMN_METRIC" },
    estimators: ["ESTIMATOR_IQM"],
    percentiles: [10, 90],
  });
  const asked = await server.ask("GetEpisodeHistogram", "ppo-s0", along("EPISODE_COLUMN_LAST_RL_STEP"));
  assert.equal(asked.xBins, 30, "a bin each update");
  assert.equal(Number(await chart.getAttribute("data-episodes")), Number(asked.totalCount));
  const last = numbersOf(asked.estimators[0].values).at(-1);
  const shown = Number(await legend.locator("li", { hasText: "IQM" }).locator(".value").textContent());
  assert.ok(Math.abs(shown - last) <= Math.abs(last) * 1e-4, `${shown}, not ${last}`);
  assert.ok((await coloursOf(chart.locator("canvas"))) > 50, "single episodes are seen");

  await page.getByLabel("Environments along").selectOption("env steps of each environment");
  await page.locator("figure[data-density=return][data-axis=total]").waitFor();
  assert.equal(searchOf(page).get("along"), "total");
  const total = await server.ask("GetEpisodeHistogram", "ppo-s0", along("EPISODE_COLUMN_TOTAL_ENV_STEPS"));
  const end = numbersOf(total.estimators[0].values).at(-1);
  await until(
    () => legend.locator("li", { hasText: "IQM" }).locator(".value").textContent(),
    (text) => Math.abs(Number(text) - end) <= Math.abs(end) * 1e-4,
  );
});

test("the overview has a small chart of each task, of the numbers of the server", async () => {
  const { page } = opened;
  await overview(page);
  const tasks = page.locator('.tasks[data-by="task"] li');
  await tasks.first().waitFor();
  assert.deepEqual(await tasks.evaluateAll((all) => all.map((li) => li.dataset.task)), ["push", "reach", "sort", "stack"]);
  const reach = page.locator('.tasks li[data-task="reach"]');
  assert.match(await reach.innerText(), new RegExp(`n = ${ENVIRONMENTS / 4}$`));
  const { environments } = await server.ask("ListEnvironments", "ppo-s0", { filter: 'attr(task) == "reach"' });
  const asked = await server.ask("GetStatistics", undefined, {
    groups: [{ name: "reach", members: [{ run: "ppo-s0", seriesQuery: metrics[0].seriesQuery, environments }] }],
    axis: "AXIS_RL_STEP",
    unit: "SAMPLE_UNIT_ENVIRONMENT",
    gridPoints: 60,
    estimators: ["ESTIMATOR_IQM"],
    binMeans: true,
  });
  const last = numbersOf(asked.groups[0].estimators[0].values).at(-1);
  const shown = Number(await reach.locator(".value").textContent());
  assert.ok(Math.abs(shown - last) <= Math.abs(last) * 1e-4, `${shown}, not ${last}`);
  assert.ok((await coloursOf(reach.locator("canvas"))) > 3, "a line and a band are seen");
});

/** Drags over the middle half of the density of returns. */
async function dragOverReturns(page) {
  const plot = page.locator("figure[data-density=return] .u-over");
  await plot.waitFor();
  await plot.scrollIntoViewIfNeeded();
  const box = await plot.boundingBox();
  await page.mouse.move(box.x + box.width * 0.25, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, box.y + 50, { steps: 4 });
  await page.mouse.up();
}

test("a density that is zoomed in on is asked for anew, in narrower bins, and a double click shows all", async () => {
  const { page } = opened;
  await overview(page);
  await page.getByLabel("Environments along").selectOption("env steps of each environment");
  const chart = page.locator("figure[data-density=return][data-axis=total]");
  const ask = (limits) =>
    server.ask("GetEpisodeHistogram", "ppo-s0", {
      metrics,
      x: { column: "EPISODE_COLUMN_TOTAL_ENV_STEPS", bins: 120, whole: true, ...limits },
      y: { column: "EPISODE_COLUMN_METRIC" },
    });
  // The axis of the page changes before what is drawn along it.
  const drawn = async () => [await chart.getAttribute("data-episodes"), Number(await chart.getAttribute("data-last"))];
  const shows = ({ totalCount, lastX }) => until(drawn, ([n, last]) => n === totalCount && last === lastX);
  const widthOf = ({ firstX, lastX, xBins }) => (lastX - firstX) / xBins;
  const all = await ask({});
  await shows(all);
  await dragOverReturns(page);
  const zoom = await until(() => searchOf(page).get("zoom"), (zoom) => /^total:/.test(zoom ?? ""));
  const [, from, to] = zoom.match(/^total:(\d+)\.\.(\d+)$/).map(Number);
  const part = await ask({ from, to });
  assert.ok(Number(part.totalCount) < Number(all.totalCount) && widthOf(part) < widthOf(all));
  await shows(part);
  await chart.locator(".u-over").dblclick();
  await shows(all);
  assert.equal(searchOf(page).get("zoom"), null);
});

test("a drag over the overview zooms all charts of an axis, and the address keeps it", async () => {
  const { page } = opened;
  await overview(page);
  await dragOverReturns(page);
  await until(() => searchOf(page).get("zoom"), (zoom) => /^update:\d+\.\.\d+$/.test(zoom ?? ""));
  const figure = page.locator("figure[data-terms=reward_terms]");
  await figure.getByRole("button", { name: "Show all" }).waitFor();
  await page.reload();
  await page.locator("figure[data-density=length]").getByRole("button", { name: "Show all" }).click();
  await until(() => searchOf(page).get("zoom"), (zoom) => zoom === null);
});

test("reward terms are stacked, with what they come to together", async () => {
  const { page } = opened;
  await overview(page);
  const chart = page.locator("figure[data-terms=reward_terms]");
  await chart.locator("[data-stacked=true] canvas").waitFor();
  const values = await chart.locator(".legend li").evaluateAll((all) =>
    all.map((li) => [li.querySelector(".name")?.textContent, Number(li.querySelector(".value")?.textContent)]),
  );
  const { progress, energy, total } = Object.fromEntries(values);
  assert.ok(progress > 0 && energy < 0, JSON.stringify(values));
  assert.ok(Math.abs(progress + energy - total) < 1e-3, JSON.stringify(values));
});

test("all episodes of all environments are on a map that tells what is under the pointer", async () => {
  const { page } = opened;
  await page.goto(server.page("ppo-s0", "environments"));
  const map = page.locator(".heatmap").first();
  const canvas = map.locator("canvas");
  await canvas.waitFor();
  await until(() => coloursOf(canvas), (colours) => colours > 30);
  assert.equal(await canvas.evaluate((c) => c.height), ENVIRONMENTS);
  await map.locator(".cells").scrollIntoViewIfNeeded();
  const box = await map.locator(".cells").boundingBox();
  await page.mouse.move(box.x + 3, box.y + 2);
  const readout = map.locator(".readout");
  assert.match(await readout.textContent(), /^env-00, episode 0: return -?[\d.]+$/);
  const { means } = await server.ask("GetEpisodeMatrix", "ppo-s0", { metric: metrics[0] });
  const first = Buffer.from(means, "base64").readDoubleLE(0);
  const shown = Number((await readout.textContent()).split(" ").at(-1));
  assert.ok(Math.abs(shown - first) <= Math.abs(first) * 1e-4, `${shown}, not ${first}`);
});

test("a brush over the map leads to the episodes in it", async () => {
  const { page } = opened;
  const cells = page.locator(".heatmap .cells").first();
  await cells.scrollIntoViewIfNeeded();
  const box = await cells.boundingBox();
  await page.mouse.move(box.x + box.width * 0.1, box.y + box.height * 0.1);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.2, { steps: 4 });
  await page.mouse.up();
  await page.locator("a.chosen").click();
  assert.equal(new URL(page.url()).pathname, new URL(server.page("ppo-s0", "episodes")).pathname);
  const environments = searchOf(page).get("env").split(",");
  const [from, to] = searchOf(page).get("episodes").split("..");
  assert.ok(environments.length >= 6 && environments.length <= 8, `${environments}`);
  const wanted = await server.ask("ListEpisodes", "ppo-s0", { environments, episodes: { from, to } });
  assert.equal(await totalOf(page), Number(wanted.totalCount));
});

test("the map can be used with the keyboard", async () => {
  const { page } = opened;
  await page.goto(server.page("ppo-s0", "environments"));
  const cells = page.locator(".heatmap .cells").first();
  await cells.focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  assert.match(await page.locator(".readout").first().textContent(), /^env-01, episode 1:/);
  await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Enter");
  assert.equal(
    await page.locator("a.chosen").textContent(),
    "Episodes 1 to 2 of 2 environments",
  );
});

test("environments are filtered and sorted by the server, and the address keeps it", async () => {
  const { page } = opened;
  await page.getByRole("searchbox", { name: "Filter" }).fill('attr(task) == "reach"');
  await page.getByRole("button", { name: "Apply" }).click();
  await page.getByText("1 to 16 of 16").waitFor();
  await page.getByRole("button", { name: "Last return" }).click();
  await page.locator("th[aria-sort=descending]", { hasText: "Last return" }).waitFor();
  const column = async () => {
    const texts = await page.locator(".answer:not(.loading) tbody tr td:nth-child(6)").allTextContents();
    return texts.map(Number);
  };
  const descends = (values) => values.length === 16 && values.every((v, i) => i === 0 || v <= values[i - 1]);
  const before = await until(column, descends);
  await page.reload();
  assert.deepEqual(await until(column, (values) => values.length === 16), before);
});

test("only the curves that are seen are drawn, all of them when scrolled to", async () => {
  const { page } = opened;
  await page.goto(server.page("ppo-s0", "environments"));
  const grid = page.locator(".curve-grid");
  await page.getByRole("heading", { name: "return of each environment" }).scrollIntoViewIfNeeded();
  const drawn = await until(
    () => grid.locator("canvas").count(),
    (count) => count > 0,
  );
  assert.ok(drawn < ENVIRONMENTS, `${drawn} curves are drawn`);
  const last = grid.locator("li", { hasText: "env-63" });
  await until(
    async () => {
      await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
      return last.locator("canvas").count();
    },
    (count) => count === 1,
  );
  await until(() => coloursOf(last.locator("canvas")), (colours) => colours > 10);
});

test("episodes are sorted, paged and chosen by their return", async () => {
  const { page } = opened;
  await page.goto(server.page("ppo-s0", "episodes"));
  const { totalCount } = await server.ask("ListEpisodes", "ppo-s0", { limit: 1 });
  const all = await totalOf(page);
  assert.equal(all, Number(totalCount));
  await page.getByRole("columnheader", { name: "return" }).getByRole("button").click();
  const best = await server.ask("ListEpisodes", "ppo-s0", {
    metrics,
    limit: 1,
    order: { column: "EPISODE_COLUMN_METRIC", descending: true },
  });
  const value = Buffer.from(best.metrics[0], "base64").readDoubleLE(0);
  const first = page.locator("table[data-total] tbody tr").first();
  await until(
    () => first.locator("td").nth(2).textContent(),
    (text) => Math.abs(Number(text) - value) < 1e-3,
  );
  await page.getByRole("button", { name: "Next" }).click();
  await until(
    () => first.locator("td").nth(2).textContent(),
    (text) => Number(text) < value,
  );
  assert.ok(searchOf(page).get("page"), "the page is in the address");
  await page.getByRole("button", { name: "Previous" }).click();

  await page.locator(".histogram").scrollIntoViewIfNeeded();
  const bars = page.locator(".histogram .bar");
  const box = await bars.nth(50).boundingBox();
  const end = await bars.nth(59).boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 100);
  await page.mouse.down();
  await page.mouse.move(end.x + end.width / 2, end.y + 100, { steps: 5 });
  await page.mouse.up();
  const chosen = await changedTotal(page, all);
  const [from, to] = searchOf(page).get("values").split("..").map(Number);
  const wanted = await server.ask("ListEpisodes", "ppo-s0", {
    metrics,
    metricRanges: [{ metric: 0, from, to }],
  });
  assert.equal(chosen, Number(wanted.totalCount));
  assert.ok(chosen > 0 && chosen < all);
  await page.reload();
  assert.equal(await totalOf(page), chosen);
  await page.getByRole("button", { name: "Show all" }).click();
  assert.equal(await changedTotal(page, chosen), all);
});

test("the scatter counts every episode", async () => {
  const { page } = opened;
  const canvas = page.locator(".spread .heatmap canvas");
  await until(() => coloursOf(canvas), (colours) => colours > 5);
  await page.getByText(/Every episode is in one of 120 × 80 bins|Every episode is in one of \d+ × 80 bins/).waitFor();
});

test("an episode's charts share a playhead, and a NaN is marked", async () => {
  const { page } = opened;
  await page.goto(`${server.page("ppo-s0", "episode")}?env=env-05&episode=0`);
  const charts = page.locator(".episode .chart");
  await charts.nth(4).waitFor();
  assert.deepEqual(
    (await charts.evaluateAll((all) => all.map((c) => c.dataset.metric))).sort(),
    ["action_norm", "reward", "reward_terms/energy", "reward_terms/progress", "value"],
  );
  await page.locator(".chart[data-metric=reward]").getByText("1 not finite").waitFor();
  await page.locator(".chart[data-metric=value] .u-over").click();
  await until(
    () => page.locator(".playhead").evaluateAll((all) => all.map((p) => !p.hidden && p.style.transform)),
    (places) => places.length === 5 && places.every((p) => p && p !== ""),
  );
});

test("from an episode to its neighbours, and others laid over it", async () => {
  const { page } = opened;
  await page.getByRole("link", { name: "Episode 1 →" }).click();
  await page.getByRole("heading", { name: "Episode 1 of env-05" }).waitFor();
  await page.getByRole("button", { name: "Overlay the one after" }).click();
  const legend = page.locator(".chart[data-metric=value] .legend");
  await legend.getByText("episode 2", { exact: true }).waitFor();
  assert.equal(searchOf(page).get("with"), "2");
  await page.getByRole("link", { name: "← Episode 0" }).waitFor();
  await page.getByText("rendering_upload=True").waitFor();
});

/** The env step that a video's frame was made at: its red is four times that. */
const stepOf = (video) =>
  video.evaluate((element) => {
    const canvas = new OffscreenCanvas(element.videoWidth, element.videoHeight);
    const context = canvas.getContext("2d");
    context.drawImage(element, 0, 0);
    return Math.round(context.getImageData(100, 10, 1, 1).data[0] / 4);
  });

test("a video and the charts of its episode follow each other", async () => {
  const { page } = opened;
  await page.goto(`${server.page("ppo-s0", "episode")}?env=env-00&episode=1`);
  const video = page.locator(".player video");
  await page.waitForFunction(() => document.querySelector(".player video")?.readyState >= 2);
  const chart = page.locator(".chart[data-metric=reward] .u-over");
  const at = () => page.locator("[data-frame]").getAttribute("data-frame").then(Number);
  await chart.scrollIntoViewIfNeeded();
  const box = await chart.boundingBox();
  await page.mouse.click(box.x + box.width * 0.6, box.y + box.height / 2);
  const clicked = await until(at, (step) => step > 0);
  await until(() => stepOf(video), (step) => step === clicked);
  await page.keyboard.press("]");
  await until(() => stepOf(video), (step) => step === clicked + 1);
  await page.keyboard.press("[");
  await page.keyboard.press("[");
  await until(() => stepOf(video), (step) => step === clicked - 1);
  assert.equal(await at(), clicked - 1);

  await video.evaluate((element) => {
    element.currentTime = 2.5 / 30;
  });
  await until(at, (step) => step === 2);
  await page.keyboard.press("Space");
  const end = Number(await page.locator(".chart[data-metric=reward]").getAttribute("data-points")) - 1;
  assert.equal(await until(at, (step) => step === end), await stepOf(video));
});

test("episodes with a video are marked in the table", async () => {
  const { page } = opened;
  await page.goto(`${server.page("ppo-s0", "episodes")}?env=env-00&episodes=0..3&sort=episode`);
  const marks = page.locator("table[data-total] tbody tr td:last-child");
  await until(() => marks.allTextContents(), (texts) => texts.join() === "▶ video,▶ video,,");
});

test("an episode that began anew says so", async () => {
  const { page } = opened;
  const restarted = await server.ask("ListEpisodes", "ppo-s0", {
    limit: 1,
    order: { column: "EPISODE_COLUMN_RESTARTS", descending: true },
  });
  const episode = Buffer.from(restarted.episodes, "base64").readBigUInt64LE(0);
  const [env] = restarted.environments;
  await page.goto(`${server.page("ppo-s0", "episode")}?env=${env}&episode=${episode}`);
  await page.getByText("Restarted once").waitFor();
  await page.getByRole("button", { name: "restarted env step 0" }).waitFor();
});

test("the end of an episode is marked on its charts, and leads there", async () => {
  const { page } = opened;
  const limited = [{ seriesQuery: 'truncated(scale="EPISODE")' }];
  const found = await server.ask("ListEpisodes", "ppo-s0", {
    metrics: limited,
    metricRanges: [{ metric: 0, from: 1 }],
    limit: 1,
  });
  const episode = Buffer.from(found.episodes, "base64").readBigUInt64LE(0);
  const steps = Buffer.from(found.envSteps, "base64").readBigUInt64LE(0);
  await page.goto(`${server.page("ppo-s0", "episode")}?env=${found.environments[0]}&episode=${episode}`);
  const last = String(steps - 1n);
  await page.getByRole("button", { name: `truncated env step ${last}` }).click();
  const chart = page.locator(".chart[data-metric=reward]");
  await chart.locator("figcaption", { hasText: `env step ${last}` }).waitFor();
  assert.equal(await page.locator(".chart[data-metric=truncated]").count(), 0);
});

test("algorithms are compared over their seeds, and the figure says how", async () => {
  const { page } = opened;
  await page.goto(`${server.page()}?screen=compare`);
  const figure = page.locator("figure.compare");
  await figure.waitFor();
  const method = await figure.locator(".method").textContent();
  assert.match(method, /interquartile mean of runs \(n: a2c 4, ppo 4\)/);
  assert.match(method, /Band: bootstrap 95 % interval \(percentile method, 1.000 resamples\)/);
  assert.match(method, /Grid: 100 even points from \d+ to 1440; samples are the means of their points around each/);
  assert.match(method, /Not normalised/);
  await until(() => coloursOf(figure.locator("canvas")), (colours) => colours > 10);
  const better = page.locator(".improvement tbody tr", { hasText: "ppo" }).locator("td").first();
  assert.match(await better.textContent(), /^1 \[1, 1\]$/);
});

test("a figure's numbers are those of the server", async () => {
  const { page } = opened;
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save CSV" }).click();
  const file = await download;
  const rows = (await readFile(await file.path(), "utf8")).trim().split("\r\n");
  assert.equal(rows[0], "group,env steps,samples,estimate,low,high");
  assert.equal(rows.length, 201);
  const [group, ...numbers] = rows.at(-1).split(",");
  const [, samples, estimate, low, high] = numbers.map(Number);
  assert.ok(samples > 0 && low <= estimate && estimate <= high, rows.at(-1));

  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Copy as Python" }).click();
  await page.getByText("Program copied").waitFor();
  const program = await page.evaluate(() => navigator.clipboard.readText());
  const said = execFileSync(python, ["-c", program], { encoding: "utf8" }).trim().split("\n");
  assert.deepEqual(said.at(-1), `${group} (${SEEDS}, 100) ${estimate}`);
});

/** Has Chromium's reader open a PDF file, which it calls by its title once it has read that. */
async function readsPdf(browser, bytes, title) {
  const directory = await mkdtemp(join(tmpdir(), "metrana-pdf-"));
  const page = await browser.newPage();
  try {
    await writeFile(join(directory, "file.pdf"), bytes);
    const reader = page.waitForEvent("framenavigated", (frame) => frame.url().startsWith("chrome-extension:"));
    await page.goto(`file://${directory}/file.pdf`);
    await (await reader).locator("#title", { hasText: title }).waitFor();
  } finally {
    await page.close();
    await rm(directory, { recursive: true });
  }
}

test("a figure is saved as vectors with its legend and how it was made, and as a picture", async () => {
  const { page } = opened;
  await page.goto(`${server.page()}?screen=compare`);
  const figure = page.locator("figure.compare");
  await figure.waitFor();
  const method = await figure.locator(".method").textContent();
  const save = async (name) => {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      figure.getByRole("button", { name }).click(),
    ]);
    return readFile(await download.path());
  };
  const svg = (await save("Save SVG")).toString();
  assert.ok(svg.includes(`<desc>${method}</desc>`), svg.slice(0, 600));
  for (const group of ["a2c", "ppo"]) assert.ok(svg.includes(`>${group} (n = ${SEEDS})</text>`), group);
  const png = await save("Save PNG");
  assert.equal(png.readUInt32BE(16), 1440, "the picture's width");
  const pdf = await save("Save PDF");
  await readsPdf(opened.browser, pdf, "locomotion-return");
  const count = (text, pattern) => text.match(pattern).length;
  const operators = pdf.toString("latin1");
  for (const group of ["a2c", "ppo"]) assert.ok(operators.includes(`(${group} \\(n = ${SEEDS}\\)) Tj`), group);
  const places = count(svg, /[ML]-?[\d.]+,-?[\d.]+/g);
  assert.ok(places > 1000, `${places} places on paths`);
  const lines = count(svg, /<line /g);
  assert.equal(count(operators, /^-?[\d.]+ -?[\d.]+ [ml]$/gm), places, "places on paths");
  assert.equal(count(operators, /^[\d.]+ [\d.]+ m [\d.]+ [\d.]+ l$/gm), lines, "lines");
  assert.equal(count(operators, / Tj ET$/gm), count(svg, /<text /g), "texts");
});

test("estimator, band, samples and scale are chosen, and the address keeps them", async () => {
  const { page } = opened;
  await page.getByLabel("Estimate").selectOption("mean");
  await page.getByLabel("Band").selectOption("std");
  await page.getByLabel("A sample is").selectOption("environment");
  await page.getByLabel("Scale").selectOption("environment");
  const method = page.locator("figure.compare .method");
  const says = (text) => until(() => method.textContent(), (said) => said.includes(text));
  await says(`mean of environments of runs (n: a2c ${SEEDS * ENVIRONMENTS}, ppo ${SEEDS * ENVIRONMENTS})`);
  await says(`each environment on its own: ${ENVIRONMENTS} of them, from the least value (0) to the greatest (1)`);
  await page.reload();
  await says("Band: ± standard deviation.");
});

test("groups are made by hand", async () => {
  const { page } = opened;
  await page.goto(`${server.page()}?screen=compare&runs=ppo-s0,ppo-s1,a2c-s0`);
  await page.locator("figure.compare").waitFor();
  await page.getByText(/2 groups of 3 runs/).click();
  await page.getByLabel("Group of ppo-s1").fill("mine");
  await page.getByLabel("Group of ppo-s1").press("Enter");
  await until(
    () => page.locator("figure.compare .method").textContent(),
    (said) => said.includes("(n: a2c 1, ppo 1, mine 1)"),
  );
});

/** Logs an episode, and another one once it is told to. */
const TWO_EPISODES = `
import sys, metrana
with metrana.init(workspace_name="rl", project_name="locomotion", run_name="live", ingestion_url=sys.argv[1]):
    metrana.log_rl_episode("return", 1.0, rl_step=0, episode=0, env_id="env-0")
    metrana.flush()
    print("one", flush=True)
    sys.stdin.readline()
    metrana.log_rl_episode("return", 2.0, rl_step=1, episode=1, env_id="env-0")
`;

test("a page that is open shows episodes as they come", async () => {
  const { page } = opened;
  const training = spawn(python, ["-c", TWO_EPISODES, server.origin], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(training, "exit");
  await once(training.stdout, "data");
  await page.goto(server.page("live", "episodes"));
  assert.equal(await totalOf(page), 1);
  training.stdin.end("\n");
  assert.equal(await changedTotal(page, 1), 2);
  assert.deepEqual(await exited, [0, null]);
});

test("pages fit a telephone", async () => {
  const { page } = opened;
  await page.setViewportSize({ width: 390, height: 844 });
  for (const address of [
    server.page("ppo-s0", "environments"),
    server.page("ppo-s0", "episodes"),
    `${server.page("ppo-s0", "episode")}?env=env-05&episode=1`,
    `${server.page()}?screen=compare`,
  ]) {
    await page.goto(address);
    await page.locator("canvas").first().waitFor({ state: "attached" });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 390, `${address} is ${width} pixels wide`);
  }
});

test("pages ask only their server, and nothing complains", () => {
  const { complaints, requests } = opened;
  const strangers = requests.map((r) => new URL(r.url())).filter((u) => u.origin !== server.origin);
  assert.deepEqual(strangers.filter((u) => !["data:", "blob:"].includes(u.protocol)).map(String), []);
  assert.deepEqual(complaints, []);
});
