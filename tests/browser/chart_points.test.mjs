// What a chart tells of a point that is clicked or gone to by keys.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { startPpo, startRuns } from "./filled_server.mjs";

let curves;
let training;
let opened;

before(async () => {
  curves = await startRuns();
  training = await startPpo("--seeds", "1", "--environments", "8", "--updates", "12");
  opened = await openBrowser();
  await opened.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
});

after(async () => {
  await opened?.browser.close();
  for (const server of [curves, training]) {
    if (server) assert.equal(await server.stop(), 0, "a server's exit code");
  }
});

const chartOf = (page, metric, scale) => page.locator(`figure.chart[data-metric="${metric}"][data-scale="${scale}"]`);

/** A chart once it has drawn its points. */
async function drawn(page, metric, scale = "ML_STEP") {
  const chart = chartOf(page, metric, scale);
  await chart.locator("canvas").waitFor();
  await page.waitForFunction(
    ([metric, scale]) =>
      Number(document.querySelector(`figure[data-metric="${metric}"][data-scale="${scale}"]`)?.dataset.points) > 0,
    [metric, scale],
  );
  await chart.scrollIntoViewIfNeeded();
  return chart;
}

const cardOf = (chart) => chart.getByRole("dialog");

/** What a card tells, by name, once it has found out. */
async function told(chart) {
  const card = cardOf(chart);
  await card.and(chart.locator('[aria-busy="false"]')).waitFor();
  return Object.fromEntries(
    await card.locator("dt").evaluateAll((names) =>
      names.map((name) => [name.textContent, name.nextElementSibling.textContent.trim()]),
    ),
  );
}

/** Goes to the first point of a chart by keys, and so many further. */
async function goTo(page, chart, steps) {
  await chart.locator(".curve-plot").focus();
  await page.keyboard.press("ArrowRight");
  for (let i = 0; i < steps; i++) await page.keyboard.press("ArrowRight");
}

test("keys go to a point, Enter tells of it, Escape closes", async () => {
  const { page } = opened;
  await page.goto(`${curves.origin}/w/curves/other/charts?zoom=step:0..20`);
  const chart = await drawn(page, "train/loss");
  await goTo(page, chart, 3);
  await chart.locator(".point-ring").waitFor();
  assert.equal(await cardOf(chart).count(), 0);
  await page.keyboard.press("Enter");
  const { Run, step, Value, Time } = await told(chart);
  assert.equal(Run, "other");
  assert.equal(Number(Value), Math.exp(-Number(step) / 80));
  assert.match(Time, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC$/);
  await page.keyboard.press("Escape");
  await cardOf(chart).waitFor({ state: "detached" });
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  assert.equal((await told(chart)).step, String(Number(step) + 1));
});

test("Shift shows the exact stretch and time at the cursor", async () => {
  const { page } = opened;
  await page.goto(`${curves.origin}/w/curves/spike/charts?find=signal`);
  const chart = await drawn(page, "signal");
  const at = chart.locator(".legend .at");
  await chart.locator(".u-over").hover({ position: { x: 200, y: 90 } });
  await at.getByText(/^at \d+$/).waitFor();
  await page.keyboard.down("Shift");
  await at.getByText(/^at \d+ to \d+$/).waitFor();
  await page.keyboard.up("Shift");
  await at.getByText(/^at \d+$/).waitFor();
  await page.goto(`${curves.origin}/w/curves/other/charts?view=wall`);
  const timed = await drawn(page, "train/loss");
  await timed.getByText("time of day (UTC)").waitFor();
  await timed.locator(".u-over").hover();
  await page.keyboard.down("Shift");
  await timed.locator(".legend .at").getByText(/\d\d:\d\d:\d\d\.\d{3} UTC/).waitFor();
  await page.keyboard.up("Shift");
});

test("a click on a bucket of many points says how many, and zooms in", async () => {
  const { page } = opened;
  await page.goto(`${curves.origin}/w/curves/spike/charts?find=signal`);
  const chart = await drawn(page, "signal");
  const area = await chart.locator(".u-over").boundingBox();
  // sin(i / 5e4) at the middle of a million steps is near the bottom of a chart up to 50.
  await page.mouse.click(area.x + area.width / 2, area.y + area.height * 0.92);
  const { Points, step, Least, Greatest } = await told(chart);
  const [, from, to] = step.match(/^(\d+) to (\d+)$/).map(Number);
  assert.equal(Number(Points.replaceAll(/\D/g, "")), to - from + 1);
  assert.ok(Number(Least) < Number(Greatest));
  await cardOf(chart).getByRole("button", { name: /^Zoom in/ }).click();
  await page.waitForFunction(() => location.search.includes("zoom"));
  assert.equal(new URL(page.url()).searchParams.get("zoom"), `step:${from}..${to}`);
  await cardOf(chart).waitFor({ state: "detached" });
});

test("neither a drag nor a double click leaves a card", async () => {
  const { page } = opened;
  await page.goto(`${curves.origin}/w/curves/other/charts?zoom=step:0..400`);
  const chart = await drawn(page, "train/loss");
  const area = await chart.locator(".u-over").boundingBox();
  // The line of exp(-step / 80) is near the bottom there.
  const place = ({ x, y, width, height }, across) => [x + width * across, y + height * 0.93];
  await page.mouse.move(...place(area, 0.4));
  await page.mouse.down();
  await page.mouse.move(...place(area, 0.8), { steps: 4 });
  await page.mouse.up();
  await page.waitForFunction(() => !location.search.includes("400"));
  await drawn(page, "train/loss");
  assert.equal(await cardOf(chart).count(), 0);

  await page.goto(`${curves.origin}/w/curves/other/charts`);
  await drawn(page, "train/loss");
  const whole = await chart.locator(".u-over").boundingBox();
  await page.mouse.click(...place(whole, 0.8));
  await cardOf(chart).waitFor(); // so there is a point
  await page.mouse.dblclick(...place(whole, 0.8));
  await cardOf(chart).waitFor({ state: "detached" });
});

test("the query that is copied is that of the point", async () => {
  const { page } = opened;
  await page.goto(`${curves.origin}/w/curves/other/charts?zoom=step:0..20`);
  const chart = await drawn(page, "train/loss");
  await goTo(page, chart, 5);
  await page.keyboard.press("Enter");
  const { step } = await told(chart);
  await cardOf(chart).getByRole("button", { name: "Copy query" }).click();
  await cardOf(chart).getByRole("button", { name: "Query copied" }).waitFor();
  const program = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(program, new RegExp(`SeriesFilter\\("train/loss"\\),\\s+axis="step",\\s+within=\\(${step}, ${step}\\)`));
  await page.keyboard.press("Escape");
});

/** All numbers of a metric that the episodes of a run have, by environment and episode. */
async function episodesOf(run, seriesQuery) {
  const { environments, environmentIndexes, episodes, metrics } = await training.ask("ListEpisodes", run, {
    metrics: [{ seriesQuery }],
    limit: 1000,
  });
  const column = (text, kind) => new kind(new Uint8Array(Buffer.from(text, "base64")).buffer);
  const numbers = column(episodes, BigUint64Array);
  const values = column(metrics[0], Float64Array);
  const places = column(environmentIndexes, BigUint64Array);
  return new Map(Array.from(values, (value, i) => [`${environments[Number(places[i])]} ${numbers[i]}`, value]));
}

for (const axis of ["update", "episode", "total", "relative", "wall"]) {
  test(`a point of an environment leads to its episode, along ${axis}`, async () => {
    const { page } = opened;
    const returns = await episodesOf("ppo-s0", 'return(scale="EPISODE")');
    await page.goto(`${training.page("ppo-s0", "charts")}?find=^return$&view=${axis}`);
    const chart = await drawn(page, "return", "EPISODE");
    await goTo(page, chart, 2);
    await page.keyboard.press("Enter");
    const seen = await told(chart);
    // Several environments may end an episode at once: then the card tells whose the extremes are.
    const link = seen.Value ? cardOf(chart).getByText("Open episode") : cardOf(chart).locator("dd a").first();
    const href = new URL(await link.getAttribute("href"), page.url());
    const value = Number(seen.Value ?? seen.Least.split(" ")[0]);
    const { env, episode } = Object.fromEntries(href.searchParams);
    assert.equal(returns.get(`${env} ${episode}`), value);
    await link.click();
    await page.getByRole("heading", { name: new RegExp(`${episode}`) }).first().waitFor();
    assert.equal(new URL(page.url()).pathname, "/rl/locomotion/ppo-s0/episode");
  });
}

/** Clicks at an x of a chart whose axis goes from 0 to `last`, so far below its top. */
async function clickAt(page, chart, x, last, top) {
  await chart.scrollIntoViewIfNeeded();
  const area = await chart.locator(".u-over").boundingBox();
  await page.mouse.click(area.x + (area.width * x) / last, area.y + top);
}

test("a mark tells which point is not finite", async () => {
  const { page } = opened;
  await page.goto(`${curves.origin}/w/curves/odd/charts?find=loss`);
  const chart = await drawn(page, "train/loss");
  await clickAt(page, chart, 100, 499, 3); // see runs_project.py
  const { Value, step, Time } = await told(chart);
  assert.deepEqual([Value, step], ["NaN, one of those here", "100"]);
  assert.match(Time, /UTC$/);
  await clickAt(page, chart, 200, 499, 1);
  await chart.getByText("Infinity").waitFor();
  assert.equal((await told(chart)).step, "200");
});

test("keys stop at marks, and go on behind them", async () => {
  const { page } = opened;
  const at = async (zoom, steps) => {
    await page.goto(`${curves.origin}/w/curves/odd/charts?find=loss&zoom=step:${zoom}`);
    const chart = await drawn(page, "train/loss");
    await goTo(page, chart, steps);
    await page.keyboard.press("Enter");
    const { Value, step } = await told(chart);
    return [chart, Value, step];
  };
  const [chart, ...mark] = await at("95..105", 5); // see runs_project.py
  assert.deepEqual(mark, ["NaN, one of those here", "100"]);
  await page.keyboard.press("Escape");
  await cardOf(chart).waitFor({ state: "detached" });
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  const { Value, step } = await told(chart);
  assert.equal(step, "101");
  assert.ok(Number.isFinite(Number(Value)), Value);
  assert.deepEqual((await at("198..205", 2)).slice(1), ["Infinity, one of those here", "200"]);
});

test("a mark tells which environment and episode is not finite", async () => {
  const { page } = opened;
  await page.goto(`${training.page("ppo-s0", "charts")}?find=^reward$&view=update`);
  const chart = await drawn(page, "reward", "ENVIRONMENT_STEP");
  await clickAt(page, chart, 0, 11, 3); // see ppo_run.py
  const { Value, Environment, Episode } = await told(chart);
  assert.deepEqual([Value, Environment, Episode], ["NaN, one of those here", "env-05", "0"]);
  const href = await cardOf(chart).getByText("Open episode").getAttribute("href");
  assert.equal(href, "/rl/locomotion/ppo-s0/episode?env=env-05&episode=0");
});

for (const axis of ["step", "wall"]) {
  test(`a single point is told where it was logged, not where its bucket begins, along ${axis}`, async () => {
    const { page } = opened;
    await page.goto(`${curves.origin}/w/curves/apart/charts?view=${axis}`);
    const chart = await drawn(page, "sparse");
    await goTo(page, chart, 1); // see runs_project.py
    await page.keyboard.press("Enter");
    const { Value, step, Step } = await told(chart);
    assert.deepEqual([Value, step ?? Step], ["2", "123456"]);
  });
}

test("nothing complains", () => assert.deepEqual(opened.complaints, []));
