// The pages of a run's environments, episodes and delivery: with the keyboard, live, read as tables, when they fail.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { startPpo } from "./filled_server.mjs";
import { startProgram } from "./program.mjs";

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

const call = async (method, question) => {
  const response = await fetch(`${server.origin}/${method}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(question),
  });
  assert.ok(response.ok, await response.clone().text());
  return response.json();
};

/** The id of a run as messages carry it. */
async function runId(name) {
  const { runs } = await call("metrana_protobuf.query.v1.svc.QueryService/ListRuns", {
    workspace: "rl",
    project: "locomotion",
    filter: `attr(sys/name) == "${name}"`,
    attributePaths: ["sys/id"],
  });
  return Buffer.from(runs[0].attributes[0].stringValue.replaceAll("-", ""), "hex").toString("base64");
}

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

test("what episodes were filtered by holds among the neighbours of one, and leads back", async () => {
  const { page } = opened;
  const metrics = [{ seriesQuery: 'length(scale="EPISODE")' }];
  const found = await server.ask("ListEpisodes", "ppo-s0", {
    metrics,
    environments: ["env-07"],
    metricRanges: [{ metric: 0, from: 10 }],
    limit: 100,
  });
  const bytes = Buffer.from(found.episodes, "base64");
  const long = Array.from({ length: bytes.length / 8 }, (_, i) => Number(bytes.readBigUInt64LE(8 * i)));
  const gap = long.findIndex((n, i) => i > 0 && n > long[i - 1] + 1);
  assert.ok(gap > 0, `${long} leave none out`);
  await page.goto(`${server.page("ppo-s0", "episodes")}?metric=episode:last:length&env=env-07&values=10..&sort=episode`);
  await page.getByRole("link", { name: `Episode ${long[gap - 1]} of env-07`, exact: true }).click();
  await page.getByRole("link", { name: `Episode ${long[gap]} →` }).click();
  await page.getByRole("heading", { name: `Episode ${long[gap]} of env-07` }).waitFor();
  await page.getByRole("link", { name: `← Episode ${long[gap - 1]}` }).waitFor();
  await page.getByRole("link", { name: "Filtered episodes" }).click();
  await page.locator(`table[data-total="${long.length}"]`).waitFor();
});

test("episodes are listed with the attributes of their environments", async () => {
  const { page } = opened;
  await page.goto(`${server.page("ppo-s0", "episodes")}?env=env-01&sort=episode`);
  await page.locator("table[data-total] tbody tr").first().waitFor();
  const heads = await page.locator("table[data-total] thead th").allTextContents();
  const place = heads.indexOf("task");
  const cells = page.locator("table[data-total] tbody tr").first().locator("th, td");
  assert.ok(place > 0, `${heads}`);
  assert.equal(await cells.nth(place).textContent(), "push");
});

test("[ and ] go along an episode that has no video, also from a button", async () => {
  const { page } = opened;
  await page.goto(episode("env-01", 0));
  const chart = page.locator(".chart[data-metric=reward]");
  await chart.locator("canvas").waitFor();
  await page.locator(".no-video").waitFor();
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

/** Logs one env step of very many metrics. */
const MANY_METRICS = `
import sys, metrana
with metrana.init(workspace_name="rl", project_name="locomotion", run_name="many", ingestion_url=sys.argv[1]):
    for metric in range(90):
        metrana.log_rl_environment_step(f"m{metric:02}", [[1.0, 2.0]], rl_step=0, episode=0, env_id=["env-0"])
`;

test("of the charts of an episode those near what is seen are drawn", async () => {
  const { page } = opened;
  execFileSync(python, ["-c", MANY_METRICS, server.origin], { stdio: "inherit" });
  await page.goto(`${server.page("many", "episode")}?env=env-0&episode=0`);
  const charts = page.locator(".episode .chart");
  await charts.first().locator("canvas").waitFor();
  assert.equal(await charts.count(), 90);
  assert.ok((await page.locator(".episode canvas").count()) < 40);
  await charts.last().scrollIntoViewIfNeeded();
  await charts.last().locator("canvas").waitFor();
  await charts.first().locator("canvas").waitFor({ state: "detached" });
});

/** Logs episodes whose return is not a number or infinite, and one without any. */
const DIVERGED = `
import sys, metrana
with metrana.init(workspace_name="rl", project_name="locomotion", run_name="diverged", ingestion_url=sys.argv[1]):
    returns = [1.0, float("nan"), float("inf"), float("-inf")]
    metrana.log_rl_episode("return", returns, rl_step=0, episode=0, env_id="env-0")
    metrana.log_rl_environment_step("reward", [[1.0]], rl_step=0, episode=4, env_id=["env-0"])
`;

test("a return that is not finite is told from one that is missing", async () => {
  const { page } = opened;
  execFileSync(python, ["-c", DIVERGED, server.origin], { stdio: "inherit" });
  await page.goto(`${server.page("diverged", "episode")}?env=env-0&episode=1`);
  const fact = page.locator(".facts div", { hasText: "return" });
  await fact.getByText("NaN", { exact: true }).waitFor();
  await page.getByRole("link", { name: "← Episode 0" }).click();
  await fact.getByText("1", { exact: true }).waitFor();

  await page.goto(server.page("diverged", "episodes"));
  const rows = page.locator("table[data-total='5'] tbody tr");
  await rows.nth(4).waitFor();
  const shown = await rows.evaluateAll((all) => all.map((row) => [row.cells[1], row.cells[3]].map((cell) => cell.innerText)));
  assert.deepEqual(shown.sort(), [["0", "1"], ["1", "NaN"], ["2", "∞"], ["3", "−∞"], ["4", ""]]);
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

test("the first NaN leads to the episode that it is in, and what waits is counted", async () => {
  const { page } = opened;
  await page.goto(server.page("ppo-s0", "delivery"));
  const row = page.getByRole("row", { name: /^reward NaN/ });
  await row.getByText("env step 2").waitFor();
  await row.getByRole("link", { name: "episode 0 of env-05" }).click();
  await page.getByRole("heading", { name: "Episode 0 of env-05" }).waitFor();

  const id = await runId("a2c-s0");
  await call("metrana.views.v1.ViewsService/ReportDelivery", {
    runId: id,
    loggerId: 7,
    delivery: { rlFloatPoints: { added: 100, enqueued: 98, sent: 60, dropped: 2 } },
  });
  await page.goto(server.page("a2c-s0", "delivery"));
  await page.getByText("38 points waited in their processes").waitFor();
});

test("the page of delivery draws what a run logs of its machine, and says how to log it", async () => {
  const { page } = opened;
  await page.goto(server.page("ppo-s0", "delivery"));
  await page.getByText("metrana.init(system_metrics=True)").waitFor();

  const sampled = await startProgram(
    `
import socket, sys, metrana
with metrana.init(workspace_name="rl", project_name="locomotion", run_name="sampled", ingestion_url=sys.argv[1], system_metrics=True):
    print(socket.gethostname(), flush=True)
    sys.stdin.read()
`,
    server.origin,
  );
  await page.goto(server.page("sampled", "delivery"));
  const chart = page.locator('.machines figure.chart[data-metric="system/cpu_percent"][data-axis="wall"]');
  await chart.and(page.locator("[data-points]")).waitFor();
  await chart.locator(".legend .name", { hasText: /^host=/ }).waitFor();
  const names = await page.locator(".machines figure.chart").evaluateAll((all) => all.map((c) => c.dataset.metric));
  assert.deepEqual(names.slice(0, 3), ["system/cpu_percent", "system/memory_gib", "system/memory_percent"]);
  assert.ok(names.includes("system/process_memory_gib"));
  await sampled.stop();
});

/** What on a page has too little contrast with its ground for WCAG's level AA. */
function tooFaint() {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  /** A colour laid over another one, as parts from 0 to 255. */
  const over = (colour, ground, opacity = 1) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    const part = (a / 255) * opacity;
    return [r, g, b].map((c, i) => c * part + ground[i] * (1 - part));
  };
  const groundOf = (element) =>
    element ? over(getComputedStyle(element).backgroundColor, groundOf(element.parentElement)) : [255, 255, 255];
  const opacityOf = (element) => (element ? Number(getComputedStyle(element).opacity) * opacityOf(element.parentElement) : 1);
  const luminance = (colour) => {
    const [r, g, b] = colour.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  };
  const found = new Set();
  const check = (what, element, colour, ground, least) => {
    const ratio = contrast(over(colour, ground, opacityOf(element)), ground);
    if (ratio < least) found.add(`${what} of ${element.localName}.${element.className}: ${ratio.toFixed(2)}`);
  };
  for (const element of document.querySelectorAll("body *")) {
    if (!element.checkVisibility({ opacityProperty: true }) || element.closest(":disabled, svg, option, .loading")) continue;
    const style = getComputedStyle(element);
    const large = parseFloat(style.fontSize) >= (Number(style.fontWeight) >= 700 ? 18.66 : 24);
    const written = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (written) check("text", element, style.color, groundOf(element), large ? 3 : 4.5);
    if (element.placeholder) {
      check("placeholder", element, getComputedStyle(element, "::placeholder").color, groundOf(element), 4.5);
    }
    if (element.matches("select, textarea, input:not([type=checkbox])")) {
      check("edge", element, style.borderTopColor, groundOf(element.parentElement), 3);
    }
    // Bands and their edges are pale beside their lines.
    if (element.className === "swatch") check("line", element, style.backgroundColor, groundOf(element.parentElement), 3);
  }
  return [...found];
}

test("text, edges and lines have the contrast of level AA in both themes", async () => {
  const { page } = opened;
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const address of [
      server.origin,
      server.page(),
      server.page("ppo-s0"),
      server.page("ppo-s0", "charts"),
      server.page("ppo-s0", "environments"),
      server.page("ppo-s0", "episodes"),
      `${episode("env-05", 0)}&with=1,2,3,4,5`,
      server.page("ppo-s0", "delivery"),
      `${server.page()}?screen=compare`,
    ]) {
      await page.goto(address);
      await page.locator("main").getByText(/\w/).first().waitFor();
      await page.locator(".answer.loading").first().waitFor({ state: "detached" });
      assert.deepEqual(await page.evaluate(tooFaint), [], `${address}, ${colorScheme}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
});
