// Pages of forked runs, with what they inherit.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { startRuns } from "./filled_server.mjs";

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

const inherited = (page) => page.getByLabel("inherited", { exact: true });
const episodes = (page, total) => page.locator(`table[data-total="${total}"]`);
const pageOf = (run, rest) => `${server.origin}/w/branches/${run}/${rest}`;

test("episodes of a fork are its own, or also those that it inherits", async () => {
  const { page } = opened;
  await page.goto(pageOf("branch", "episodes"));
  await episodes(page, 2).waitFor();
  await inherited(page).check();
  await episodes(page, 6).waitFor();
  assert.equal(new URL(page.url()).searchParams.get("view"), "inherited");

  await page.goto(pageOf("trunk", "episodes"));
  await episodes(page, 8).waitFor();
  assert.equal(await inherited(page).count(), 0, "a run without a parent has no switch");
});

test("an inherited episode opens as that of the run that has it", async () => {
  const { page } = opened;
  await page.goto(pageOf("branch", "episodes?view=inherited"));
  await page.getByLabel("Episode 1 of right", { exact: true }).click();
  await page.waitForURL((url) => url.pathname === "/w/branches/trunk/episode");
  await page.getByRole("heading", { name: "Episode 1 of right" }).waitFor();
  await page.goBack();
  await episodes(page, 6).waitFor();
  await page.getByLabel("Episode 3 of left", { exact: true }).click();
  await page.waitForURL((url) => url.pathname === "/w/branches/branch/episode");
  await page.getByRole("heading", { name: "Episode 3 of left" }).waitFor();
});

test("environments of a fork count what they inherit, and have the parent's attributes", async () => {
  const { page } = opened;
  const rows = page.locator("table tbody tr");
  await page.goto(pageOf("branch", "environments"));
  await rows.first().waitFor();
  assert.deepEqual((await rows.allInnerTexts()).map((text) => text.split("\t").slice(0, 2)), [["left", "2"]]);
  await inherited(page).check();
  // The names of attributes are known before the rows that have them.
  await page.waitForFunction(() => document.querySelectorAll("table tbody tr")[1]?.innerText.startsWith("right\tright"));
  assert.deepEqual(
    (await rows.allInnerTexts()).map((text) => text.split("\t").slice(0, 4)),
    [
      ["left", "left", "4", "103"],
      ["right", "right", "2", "11"],
    ],
  );
});

test("statistics of forks go back over what they inherit", async () => {
  const { page } = opened;
  await page.goto(`${server.origin}/w/branches?screen=compare&runs=branch&axis=episode`);
  await page.getByText("Grid: 2 even points from 2 to 3").waitFor();
  await inherited(page).check();
  await page.getByText("Grid: 4 even points from 0 to 3").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("view"), "inherited");
});

test("the overview of a fork shows what it inherits", async () => {
  const { page } = opened;
  const returns = (count) => page.locator(`figure.density[data-episodes="${count}"]`).first();
  await page.goto(pageOf("branch", ""));
  await returns(2).waitFor();
  await inherited(page).check();
  await returns(6).waitFor();
  await page.locator('figure.chart[data-metric="kl"][data-points="4"]').waitFor();
  assert.equal(new URL(page.url()).searchParams.get("view"), "inherited");
});

test("metrics that only the parent has are listed where they are shown", async () => {
  const { page } = opened;
  await page.goto(pageOf("branch", "charts"));
  await page.locator('figure.chart[data-metric="kl"][data-points="2"]').waitFor();
  const warmup = page.locator('figure.chart[data-metric="warmup"]');
  assert.equal(await warmup.count(), 0);
  await inherited(page).check();
  await page.locator('figure.chart[data-metric="warmup"][data-points="2"]').waitFor();
  await inherited(page).uncheck();
  await warmup.waitFor({ state: "detached" });

  await page.goto(`${server.origin}/w/branches?screen=compare&runs=branch`);
  const metrics = page.locator(".pickers label", { hasText: /^Metric/ }).locator("select");
  await metrics.waitFor();
  assert.equal(await metrics.locator("option", { hasText: "warmup" }).count(), 0);
  await inherited(page).check();
  await metrics.selectOption("warmup");
  await page.getByText("Grid: 2 even points from 0 to 1").waitFor();
});

test("a card of an inherited point leads to the episode of the run that has it", async () => {
  const { page } = opened;
  await page.goto(pageOf("branch", "charts?view=episode,inherited"));
  const chart = page.locator('figure.chart[data-metric="return"]');
  await chart.locator("canvas").waitFor();
  await chart.locator(".curve-plot").focus();
  await page.keyboard.press("ArrowRight"); // to episode 0, of both environments
  for (const [updates, run, environment] of [
    [3, "branch", "left"],
    [0, "trunk", "right"],
  ]) {
    for (let i = 0; i < updates; i++) await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    const card = chart.locator('[role="dialog"][aria-busy="false"]');
    const href = await card.locator("a").last().getAttribute("href");
    assert.equal(href, `/w/branches/${run}/episode?env=${environment}&episode=${updates}`);
    await page.keyboard.press("Escape");
    for (let i = 0; i < updates; i++) await page.keyboard.press("ArrowLeft");
  }
});
