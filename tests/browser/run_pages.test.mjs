// The pages of a run's environments, episodes and delivery: with the keyboard, live, read as tables, when they fail.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { startPpo } from "./filled_server.mjs";

const python = new URL("../../.venv/bin/python", import.meta.url).pathname;

let server;
let opened;

before(async () => {
  server = await startPpo("--seeds", "1", "--updates", "12", "--environments", "8");
  opened = await openBrowser();
});

after(async () => {
  await opened?.browser.close();
  if (server) assert.equal(await server.stop(), 0, "the exit code after Ctrl-C");
});

const episode = (environment, number) =>
  `${server.page("ppo-s0", "episode")}?env=${environment}&episode=${number}`;

test("/ goes to the filter, and a distribution is one stop of the focus", async () => {
  const { page } = opened;
  await page.goto(server.page("ppo-s0", "environments"));
  await page.getByRole("searchbox", { name: "Filter" }).waitFor();
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.name), "filter");

  await page.goto(server.page("ppo-s0", "episodes"));
  const bars = page.locator(".histogram .bar");
  await bars.first().waitFor();
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Environments");
  assert.equal(await page.locator(".histogram .bar[tabindex='0']").count(), 1);
  await bars.first().focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  const [from, to] = [await bars.nth(1).getAttribute("title"), await bars.nth(2).getAttribute("title")];
  await page.keyboard.press("Enter");
  const field = page.getByRole("searchbox", { name: "return" });
  await page.waitForURL((url) => url.searchParams.has("values"));
  const [low, high] = (await field.inputValue()).split("..").map(Number);
  const edges = (title) => title.match(/from (\S+) to (\S+)$/).slice(1).map(Number);
  assert.ok(Math.abs(low - edges(from)[0]) < 1e-3 && Math.abs(high - edges(to)[1]) < 1e-3, `${low}..${high}`);
});

test("[ and ] go along an episode that has no video, also from a button", async () => {
  const { page } = opened;
  await page.goto(episode("env-01", 0));
  const chart = page.locator(".chart[data-metric=reward]");
  await chart.locator("canvas").waitFor();
  await page.keyboard.press("]");
  await page.keyboard.press("]");
  await chart.locator("figcaption", { hasText: "env step 2" }).waitFor();
  await page.getByRole("button", { name: "Views" }).or(page.locator("summary", { hasText: "Views" })).first().focus();
  await page.keyboard.press("[");
  await chart.locator("figcaption", { hasText: "env step 1" }).waitFor();
});

test("a chart of an episode is read as a table, what is not finite in it too", async () => {
  const { page } = opened;
  await page.goto(episode("env-05", 0));
  const chart = page.locator(".chart[data-metric=reward]");
  await chart.getByRole("button", { name: "reward as table" }).click();
  const rows = chart.locator("tbody tr");
  await rows.first().waitFor();
  const points = Number(await chart.getAttribute("data-points"));
  assert.equal(await rows.count(), points + 1);
  assert.equal(await rows.filter({ hasText: "not finite" }).count(), 1);
  await chart.getByRole("button", { name: "reward as table" }).click();
  await chart.locator("canvas").waitFor();
});

/** Logs an episode each time it is told to. */
const EPISODES = `
import sys, metrana
with metrana.init(workspace_name="rl", project_name="locomotion", run_name="live", ingestion_url=sys.argv[1]):
    for episode, _ in enumerate(sys.stdin):
        metrana.log_rl_episode("return", 1.0, rl_step=episode, episode=episode, env_id="env-0")
        metrana.flush()
        print(episode, flush=True)
`;

test("the chip says whether a page follows its run, and pauses it", async () => {
  const { page } = opened;
  const training = spawn(python, ["-c", EPISODES, server.origin], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(training, "exit");
  const log = async () => {
    training.stdin.write("\n");
    await once(training.stdout, "data");
  };
  const total = (n) => page.locator(`table[data-total="${n}"]`).waitFor();
  const chip = (state) => page.locator(".chip", { hasText: new RegExp(`^${state}$`) });
  await log();
  for (const name of ["environments", "delivery", "episodes"]) {
    await page.goto(server.page("live", name));
    await chip("live").waitFor();
  }
  await total(1);
  const logged = Date.now();
  await log();
  await total(2);
  assert.ok(Date.now() - logged < 2000, `after ${Date.now() - logged} ms`);
  await page.keyboard.press(" ");
  await chip("paused").waitFor();
  await log();
  const { totalCount } = await server.ask("ListEpisodes", "live", { limit: 1 });
  assert.equal(Number(totalCount), 3);
  assert.equal(await page.locator("table[data-total]").getAttribute("data-total"), "2");
  await chip("paused").click();
  await total(3);
  training.stdin.end();
  assert.deepEqual(await exited, [0, null]);
  await chip("at rest").waitFor();
});

test("what cannot be shown says why, and is asked for again", async () => {
  const { page } = opened;
  await page.goto(server.page("gone", "delivery"));
  const alert = page.getByRole("alert");
  await alert.filter({ hasText: /^Not shown: no run "gone" .*It may have been deleted/ }).waitFor();
  await page.route("**/GetRunHealth", (route) => route.abort());
  await page.goto(server.page("ppo-s0", "delivery"));
  await alert.filter({ hasText: "Is the server running" }).waitFor();
  await page.unroute("**/GetRunHealth");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("Points stored").waitFor();
  assert.equal(await alert.count(), 0);
});
