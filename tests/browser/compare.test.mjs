// The comparison of runs while it is zoomed, and while they log.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { startServer } from "./bare_server.mjs";
import { openBrowser } from "./browser.mjs";
import { startProgram } from "./program.mjs";

let server;
let opened;
let logging;
let creating;

/**
 * A run whose environments have two tasks, of returns up to 1 and 100; then two runs of a hundred steps, of which the
 * second logs one more for each line that it is told.
 */
const PROGRAM = `
import sys, metrana
with metrana.init(workspace_name="w", project_name="tasks", run_name="both", ingestion_url=sys.argv[1]):
    for env_id, task, most in (("env-0", "reach", 1), ("env-1", "walk", 100)):
        metrana.log_env_attributes(env_id, {"task": task})
        returns = [[most * episode / 50 for episode in range(51)]]
        metrana.log_rl_episode("return", returns, rl_step=0, episode=0, env_id=[env_id])
for seed in (0, 1):
    run = metrana.init(workspace_name="w", project_name="p", run_name=f"seed-{seed}", ingestion_url=sys.argv[1])
    run.log("score", [float(step + seed) for step in range(100)])
    metrana.flush()
    if seed == 0:
        metrana.close()
print("started", flush=True)
for line in sys.stdin:
    run.log("score", 200.0)
metrana.close()
`;

/** Three runs, and one more for each line with its name and algorithm, which comes behind its points. */
const RUNS_THAT_COME = `
import sys, metrana
def log(name, algo):
    with metrana.init(workspace_name="w", project_name="grows", run_name=name, ingestion_url=sys.argv[1]) as run:
        run.log("score", [float(step) for step in range(100)])
        metrana.flush()
        run.log_config({"algo": algo})
for name in ("ppo-0", "ppo-1", "dqn-0"):
    log(name, name.split("-")[0])
print("started", flush=True)
for line in sys.stdin:
    log(*line.split())
    print("logged", flush=True)
`;

before(async () => {
  server = await startServer();
  creating = await startProgram(RUNS_THAT_COME, server.origin);
  logging = await startProgram(PROGRAM, server.origin);
  opened = await openBrowser();
});

after(async () => {
  await opened?.browser.close();
  await logging?.stop();
  await creating?.stop();
  if (server) assert.equal(await server.stop(), 0, "the server's exit code");
});

const compared = () => `${server.origin}/w/p?screen=compare&group=:all&points=single`;
const grid = (page, text) => page.locator("figure.compare .method").getByText(`Grid: 100 even points from ${text};`);

test("a drag asks for a stretch with a grid of its own; a double click shows all", async () => {
  const { page } = opened;
  await page.goto(compared());
  await grid(page, "0 to 99").waitFor();
  const finals = await page.locator("table.finals").innerText();
  const plot = page.locator("figure.compare .u-over");
  const box = await plot.boundingBox();
  await page.mouse.move(box.x + box.width * 0.25, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 50, { steps: 4 });
  await page.mouse.up();
  await page.getByRole("button", { name: "Show all" }).waitFor();
  const [, from, to] = new URL(page.url()).searchParams.get("zoom").match(/^step:(\d+)\.\.(\d+)$/);
  assert.ok(Number(from) > 15 && Number(to) < 60, `${from} to ${to}`);
  const method = page.locator("figure.compare .method").getByText(`even points from ${from} to ${to};`);
  await method.waitFor();
  assert.equal(await page.locator("table.finals").innerText(), finals, "what groups come to in the end");
  await page.reload();
  await method.waitFor();
  await plot.dblclick();
  await grid(page, "0 to 99").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("zoom"), null);
});

test("the numbers are a table behind the curves, and a file, also without a mouse", async () => {
  const { page } = opened;
  await page.goto(compared());
  await grid(page, "0 to 99").waitFor();
  await page.getByRole("button", { name: "score as table" }).focus();
  await page.keyboard.press("Enter");
  const table = page.getByRole("region", { name: "score of all runs along step" });
  await table.locator("tbody tr").nth(99).waitFor();
  const rows = (await table.locator("tr").allInnerTexts()).map((text) => text.split("\t"));
  assert.deepEqual(rows[0], ["Group", "step", "Estimate", "Lower", "Upper", "n"]);
  assert.deepEqual(rows[1], ["all runs", "0", "0.5", "0", "1", "2"]);
  assert.deepEqual(rows[100], ["all runs", "99", "99.5", "99", "100", "2"]);

  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save CSV" }).click();
  const lines = (await readFile(await (await saved).path(), "utf8")).trimEnd().split("\r\n");
  const [head, ...records] = lines.map((line) => line.split(","));
  assert.deepEqual(head, ["group", "step", "samples", "estimate", "low", "high"]);
  const inOrder = records.map(([group, x, n, ...numbers]) => [group, x, ...numbers, n]);
  assert.deepEqual(inOrder, rows.slice(1));

  await table.focus();
  await page.keyboard.press("End");
  await page.waitForFunction(() => document.querySelector(".compare-table").scrollTop > 0);
  await page.getByRole("button", { name: "score as table" }).press("Enter");
  await page.locator("figure.compare canvas").waitFor();
});

test("each task is put on a scale of its own, whose ends are given", async () => {
  const { page } = opened;
  await page.goto(`${server.origin}/w/tasks?screen=compare&group=:all&axis=episode&band=none`);
  const value = page.locator("figure.compare .legend .value");
  const last = (text) => value.getByText(text, { exact: true }).waitFor();
  await last("50.5");
  await page.getByLabel("Scale").selectOption("each task of environments");
  await last("1");
  await page.getByText("2 scales: what is 0, and what is 1").click();
  const one = page.getByLabel("What is 1 of walk");
  assert.equal(await one.getAttribute("placeholder"), "100");
  await one.fill("200");
  await one.press("Tab");
  await last("0.75");
  assert.equal(new URL(page.url()).searchParams.get("scales"), "walk,,200");
  await page.reload();
  await last("0.75");

  const said = page.locator("figure.compare .method").getByText("of reach 0 is 0 and 1 is 1, of walk 0 is 0 and 200 is 1");
  await said.waitFor();
  await page.goto(`${page.url()}&zoom=episode:10..20`);
  await page.getByText("Grid: 11 even points from 10 to 20;").waitFor();
  await said.waitFor(); // not the scales of the part
  await last("0.3");
});

test("points that come are part of the estimates, also what came in a pause", async () => {
  const { page } = opened;
  await page.goto(compared());
  await grid(page, "0 to 99").waitFor();
  await page.getByRole("button", { name: "live", exact: true }).waitFor();
  logging.say("");
  await grid(page, "0 to 100").waitFor();
  await page.keyboard.press(" ");
  await page.getByRole("button", { name: "paused" }).waitFor();
  logging.say("");
  await page.getByRole("button", { name: "paused" }).click();
  await grid(page, "0 to 101").waitFor();
});

test("runs that are created join the groups that they belong to, also those of a pause", async () => {
  const { page } = opened;
  await page.goto(`${server.origin}/w/grows?screen=compare&group=config/algo&estimator=median&band=none`);
  await page.getByText("2 groups of 3 runs").waitFor();
  creating.say("ppo-2 ppo");
  await page.getByText("2 groups of 4 runs").waitFor();
  await page.locator("figure.compare .method").getByText("(n: dqn 1, ppo 3)").waitFor();
  creating.say("sac-0 sac");
  await page.locator("figure.compare .method").getByText("(n: dqn 1, ppo 3, sac 1)").waitFor();
  await page.keyboard.press(" ");
  const paused = page.getByRole("button", { name: "paused" });
  await paused.waitFor();
  const logged = creating.answer();
  creating.say("dqn-1 dqn");
  await logged;
  await paused.click();
  await page.locator("figure.compare .method").getByText("(n: dqn 2, ppo 3, sac 1)").waitFor();
});

test("groups keep their colours when another one joins", async () => {
  const { page } = opened;
  const coloursOf = () =>
    page
      .locator("figure.compare .legend li")
      .evaluateAll((all) => all.map((li) => [li.children[1].innerText, li.children[0].style.background]));
  const before = await coloursOf();
  assert.deepEqual(before.map(([name]) => name), ["dqn", "ppo", "sac"]);
  creating.say("ars-0 ars");
  await page.locator("figure.compare .method").getByText("(n: ars 1, dqn 2, ppo 3, sac 1)").waitFor();
  const [joined, ...others] = await coloursOf();
  assert.deepEqual(others, before);
  assert.ok(!before.some(([, colour]) => colour === joined[1]), `${joined} is told from no other`);
});

test("nothing complains", () => assert.deepEqual(opened.complaints, []));
