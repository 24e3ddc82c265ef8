// The table of runs, a run's overview and what can be changed there.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { startRuns } from "./filled_server.mjs";
import { startProgram } from "./program.mjs";
import { moreNews, watchQuestions } from "./questions.mjs";

const SCRIPT = "<img src=x onerror=alert(1)>";

let server;
let opened;
const alerts = [];

before(async () => {
  server = await startRuns();
  opened = await openBrowser();
  opened.page.on("dialog", async (dialog) => {
    alerts.push(dialog.message());
    await dialog.dismiss();
  });
});

after(async () => {
  await opened?.browser.close();
  if (server) assert.equal(await server.stop(), 0, "the server's exit code");
});

const names = (page) => page.locator("tbody tr[data-run]").evaluateAll((rows) => rows.map((r) => r.dataset.run));

/** Until the table has exactly these runs, in this order. */
const shows = (page, wanted) =>
  page.waitForFunction(
    (wanted) => {
      const rows = [...document.querySelectorAll("tbody tr[data-run]")].map((r) => r.dataset.run);
      return JSON.stringify(rows) === JSON.stringify(wanted);
    },
    wanted,
  );

test("the newest runs come first, with their configuration and a small curve", async () => {
  const { page } = opened;
  await page.goto(server.page());
  await page.locator("tbody tr[data-run]").first().waitFor();
  assert.equal((await names(page))[0], SCRIPT);
  assert.equal((await names(page)).length, 13);
  const row = page.locator('tr[data-run="seed-11"]');
  await row.locator("svg.sparkline polyline").waitFor();
  assert.match(await row.innerText(), /Closed/);
  await row.getByText("ppo").first().waitFor();
});

test("a filter goes to the server and stays in the address; a wrong one is explained", async () => {
  const { page } = opened;
  const filter = page.getByLabel("Filter", { exact: true });
  await filter.fill('attr(config/lr) < 0.01 AND attr(config/algorithm) == "ppo"');
  await filter.press("Enter");
  await shows(page, ["seed-11", "seed-7", "seed-3"]);
  await page.reload();
  await shows(page, ["seed-11", "seed-7", "seed-3"]);
  await filter.fill("attr(config/lr) <");
  await filter.press("Enter");
  const alert = page.getByRole("alert");
  await alert.waitFor();
  assert.match(await alert.innerText(), /column 18/);
  await filter.fill("attr(config/lr) < < 1");
  await filter.press("Enter");
  await alert.locator("mark", { hasText: /^< 1$/ }).waitFor(); // where it goes wrong
  await filter.fill("");
  await filter.press("Enter");
  await alert.waitFor({ state: "detached" });
});

test("a column sorts, by the server", async () => {
  const { page } = opened;
  const first = (condition) =>
    page.waitForFunction(
      ([condition, script]) => {
        const name = document.querySelector("tbody tr[data-run]")?.dataset.run;
        return condition === "greatest" ? name === script : Number(name?.slice("seed-".length)) % 4 === 3;
      },
      [condition, SCRIPT],
    );
  await page.getByRole("button", { name: /^lr/ }).click();
  await first("least");
  await page.getByRole("button", { name: /^lr/ }).click();
  await first("greatest"); // lr 7
});

test("runs are grouped with the means of their numbers", async () => {
  const { page } = opened;
  await page.goto(`${server.page()}?group=config/algorithm`);
  const row = page.locator("tbody tr", { has: page.locator("th", { hasText: /^ppo$/ }) });
  await row.waitFor();
  assert.match(await row.innerText(), /^ppo\s+6\s/);
  assert.match(await row.innerText(), /0\.00505 ± 0\.0057/); // lr of 0.01 and 0.0001 thrice each, by Student's t
});

test("what differs from a baseline is marked", async () => {
  const { page } = opened;
  await page.goto(`${server.page()}?baseline=seed-0`);
  const differs = page.locator('tr[data-run="seed-4"] td.differs');
  await differs.first().waitFor();
  assert.deepEqual(await differs.allInnerTexts(), ["4"]); // the seed alone: lr and algorithm are the same
});

test("numbers that agree in five digits are told apart; settings that all share may go", async () => {
  const { page } = opened;
  const shown = "a:config%2Falgorithm,a:config%2Ftoken,a:config%2Flr";
  const filter = 'attr(config/algorithm) == "ppo" OR attr(sys/name) == "seed-0"';
  const query = new URLSearchParams({ columns: shown, baseline: "seed-1", filter });
  await page.goto(`${server.page()}?${query}`);
  const token = page.locator('tr[data-run="seed-0"] td.differs', { hasText: /^1\.235e\+6$/ });
  await token.waitFor();
  assert.equal(await token.getAttribute("title"), "1234567, baseline: 1234568");
  await page.goto(`${server.page()}?${new URLSearchParams({ columns: shown, baseline: "seed-1", filter: 'attr(config/algorithm) == "ppo"' })}`);
  await page.getByRole("button", { name: "token" }).waitFor();
  await page.getByLabel("Only settings that differ from seed-1").check();
  await page.getByRole("button", { name: "token" }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "lr" }).waitFor();
  await page.reload();
  await page.getByRole("button", { name: "lr" }).waitFor();
  assert.ok(await page.getByLabel("Only settings that differ from seed-1").isChecked());
  assert.equal(await page.getByRole("button", { name: "algorithm" }).count(), 0);
  await page.goto(`${server.page()}?group=config/token`);
  await page.locator("tbody th", { hasText: /^1234568$/ }).waitFor();
});

test("a baseline is found wherever it is in a long table; keys reach rows that were not there", async () => {
  const { page } = opened;
  const many = `${server.origin}/w/many`;
  await page.goto(`${many}?sort=a:config%2Fnumber&desc=0&baseline=run-110`);
  await page.locator('tr[data-run="run-3"] td.differs', { hasText: /^3$/ }).waitFor();
  assert.equal(await page.locator('tr[data-run="run-110"]').count(), 0);
  for (let i = 0; i < 106; i++) await page.keyboard.press("j");
  await page.locator('tr.current[data-run="run-105"]').waitFor();
  const { y } = await page.locator("tr.current").boundingBox();
  assert.ok(y >= 0 && y < 900, `the row is seen, at ${y}`);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "run-105" }).waitFor();
  const number = page.locator("table.attributes tr", { hasText: "config/number" });
  await number.filter({ hasText: /105\s*110/ }).waitFor();
});

test("what is selected is in the address", async () => {
  const { page } = opened;
  await page.goto(server.page());
  await page.getByLabel("Select seed-4", { exact: true }).check();
  await page.keyboard.press("?"); // the box has the focus
  const help = page.getByRole("dialog", { name: "Keys" });
  await help.waitFor();
  await page.keyboard.press("j"); // not below a window
  await page.keyboard.press("Escape");
  await help.waitFor({ state: "detached" });
  assert.equal(await page.locator("tr.current").count(), 0);
  await page.getByLabel("Select seed-6", { exact: true }).check();
  await page.reload();
  await page.getByText("2 selected").waitFor();
  assert.ok(await page.getByLabel("Select seed-4", { exact: true }).isChecked());
  const href = await page.getByRole("link", { name: "Compare" }).getAttribute("href");
  assert.equal(href, "/w/runs?screen=compare&runs=seed-4%2Cseed-6");
});

test("a run names what it was forked from, and its forks", async () => {
  const { page } = opened;
  await page.goto(`${server.origin}/w/forks/parent`);
  await page.getByRole("link", { name: "child", exact: true }).click();
  await page.getByRole("heading", { name: "child" }).waitFor();
  assert.equal(await page.title(), "child · forks · Metrana");
  await page.getByText("forked from parent at 1").waitFor();
});

test("charts show a fork with what it inherits, when they are asked to", async () => {
  const { page } = opened;
  const highest = async (view) => {
    await page.goto(`${server.origin}/w/forks/child/charts?view=${view}`);
    const chart = page.locator("figure.chart").first();
    await chart.locator("canvas").waitFor();
    await chart.locator(".menu > summary").click();
    await chart.getByRole("button", { name: "Show as table" }).click();
    const cells = chart.locator(".curve-table tbody tr td:nth-child(5)");
    await cells.first().waitFor();
    return Math.max(...(await cells.allInnerTexts()).map(Number));
  };
  assert.equal(await highest(""), 0.5);
  assert.equal(await highest("inherited"), 3);
  await page.getByLabel("inherited", { exact: true }).first().uncheck();
  await page.waitForURL((url) => !url.searchParams.get("view"));
});

test("projects tell what their runs are doing", async () => {
  const { page } = opened;
  await page.goto(server.origin);
  const row = page.locator("tr", { hasText: "forks" });
  await row.getByRole("link", { name: "2 closed" }).click();
  await shows(page, ["child", "parent"]);
});

test("the first Tab skips to the content", async () => {
  const { page } = opened;
  await page.goto(server.page());
  await page.locator("tbody tr[data-run]").first().waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "content");
});

test("nothing is wider than a phone", async () => {
  const { page } = opened;
  await page.setViewportSize({ width: 375, height: 700 });
  const run = server.page("seed-5");
  for (const address of [server.origin, server.page(), run, `${run}/delivery`, `${run}/charts`]) {
    await page.goto(address);
    await page.locator("main h1").waitFor();
    await page.waitForFunction(() => !document.querySelector("[role=status]"));
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 375, `${address}: ${width}`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
});

test("what loggers counted is on the pages of the run, with what to do about a loss", async () => {
  const { page } = opened;
  const call = async (method, message) => {
    const response = await fetch(`${server.origin}/${method}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(message),
    });
    assert.equal(response.status, 200, await response.clone().text());
    return response.json();
  };
  const { runs } = await call("metrana_protobuf.query.v1.svc.QueryService/ListRuns", {
    workspace: "w",
    project: "runs",
    filter: 'attr(sys/name) == "seed-9"',
    attributePaths: ["sys/id"],
  });
  const id = runs[0].attributes[0].stringValue;
  await call("metrana.views.v1.ViewsService/ReportDelivery", {
    runId: Buffer.from(id.replaceAll("-", ""), "hex").toString("base64"),
    loggerId: 7,
    delivery: { floatPoints: { added: 1250, enqueued: 1200, sent: 1200, dropped: 50 }, requestsResent: 3 },
  });
  await page.goto(server.page("seed-9"));
  const card = page.getByLabel("Delivery", { exact: true });
  await card.getByText("50 dropped").waitFor();
  await card.getByRole("link", { name: "Delivery" }).click();
  const row = page.locator("tr", { has: page.getByRole("cell", { name: "7", exact: true }) });
  await row.waitFor();
  assert.match(await row.innerText(), /points\s+1\s250\s+1\s200\s+0\s+50\s.*3 requests sent again/);
  await page.getByText("50 points were dropped").waitFor();
  await page.goto(server.page());
  const lost = page.locator("td.run-name a.lost");
  await lost.waitFor();
  assert.deepEqual([await lost.count(), await lost.innerText()], [1, "50 lost"]);
  assert.equal(await lost.getAttribute("title"), "Points: 50 dropped by the client");
  await lost.click();
  await page.getByText("50 points were dropped").waitFor();
  await page.getByText('backpressure_strategy="block"').waitFor();
  await page.goto(`${server.origin}/w/curves/odd/delivery`);
  await page.getByRole("cell", { name: "NaN" }).waitFor();
});

test("a page of another site changes nothing", async () => {
  const { browser } = opened;
  const elsewhere = await browser.newContext();
  const page = await elsewhere.newPage();
  await page.route("http://elsewhere.example/", (route) =>
    route.fulfill({ contentType: "text/html", body: "<title>elsewhere</title>" }),
  );
  await page.goto("http://elsewhere.example/");
  const target = { workspace: "w", project: "runs", run: "seed-8" };
  const outcomes = await page.evaluate(
    async ([url, body]) => {
      const ask = (type) =>
        fetch(url, { method: "POST", mode: type === "text/plain" ? "no-cors" : "cors", headers: { "Content-Type": type }, body }).then(
          (response) => response.type,
          () => "refused",
        );
      return [await ask("application/json"), await ask("text/plain")];
    },
    [`${server.origin}/metrana.admin.v1.AdminService/Delete`, JSON.stringify({ target })],
  );
  assert.equal(outcomes[0], "refused");
  await elsewhere.close();
  await opened.page.goto(server.page("seed-8"));
  await opened.page.getByRole("heading", { name: "seed-8" }).waitFor();
});

test("keys move, select and open", async () => {
  const { page } = opened;
  await page.goto(server.page());
  await page.locator("tbody tr[data-run]").first().waitFor();
  for (const key of ["j", "j", "k", "j", "x"]) await page.keyboard.press(key);
  await page.getByText("1 selected").waitFor();
  const selected = await page.locator("tr.current").getAttribute("data-run");
  assert.equal(selected, "seed-11");
  assert.ok(await page.getByLabel("Select seed-11").isChecked());
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "seed-11" }).waitFor();
  await page.goto(server.page());
  await page.getByRole("link", { name: "seed-3", exact: true }).click();
  await page.getByRole("heading", { name: "seed-3" }).waitFor();
});

test("tags and description are changed on the run's page", async () => {
  const { page } = opened;
  await page.goto(server.page("seed-5"));
  await page.getByLabel("Add a tag").fill("best");
  await page.getByLabel("Add a tag").press("Enter");
  await page.getByLabel("Remove tag best").waitFor();
  await page.getByLabel("Remove tag sweep").click();
  await page.getByLabel("Remove tag sweep").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Describe this run" }).click();
  await page.getByLabel("Description").fill("the one to keep");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("the one to keep").waitFor();
  await page.reload();
  await page.getByText("the one to keep").waitFor();
  await page.getByLabel("Remove tag best").waitFor();
});

test("the configuration stands beside that of another run", async () => {
  const { page } = opened;
  await page.goto(`${server.page("seed-5")}?baseline=seed-1`);
  const table = page.locator("table.attributes");
  await table.getByRole("columnheader", { name: "seed-1" }).waitFor();
  assert.match(await table.innerText(), /config\/seed\s+5\s+1/);
  assert.doesNotMatch(await table.innerText(), /config\/lr/);
});

test("runs are archived and deleted, after a question that names them", async () => {
  const { page } = opened;
  await page.goto(server.page());
  await page.getByLabel("Select seed-2", { exact: true }).check();
  await page.getByRole("button", { name: "Archive" }).click();
  await page.locator('tr[data-run="seed-2"]').waitFor({ state: "detached" });
  await page.getByLabel("Select seed-1", { exact: true }).check();
  await page.getByRole("button", { name: "Delete…" }).click();
  const question = page.getByRole("dialog");
  assert.match(await question.innerText(), /seed-1/);
  await question.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Delete…" }).click();
  await question.getByRole("button", { name: "Delete" }).click();
  await page.locator('tr[data-run="seed-1"]').waitFor({ state: "detached" });
  assert.equal((await names(page)).length, 11);
});

test("names are text, wherever they stand", async () => {
  const { page } = opened;
  const run = server.page(encodeURIComponent(SCRIPT));
  for (const address of [server.page(), run, `${run}/charts`, `${run}/delivery`]) {
    await page.goto(address);
    await page.getByText(SCRIPT).locator("visible=true").first().waitFor();
  }
  await page.goto(run);
  await page.locator(".run-header", { hasText: `by ${SCRIPT}` }).waitFor();
  await page.goto(`${run}/charts`);
  await page.getByText("label=<b>bold</b>").first().waitFor();
  await page.getByText("&lt;b&gt;", { exact: true }).first().waitFor();
  assert.deepEqual(alerts, []);
  assert.equal(await page.locator("img[src=x]").count(), 0);
});

/** Starts a run when it is told to, and ends it with its input. */
const BEGINS = `
import sys, metrana
print("ready", flush=True)
sys.stdin.readline()
with metrana.init(workspace_name="w", project_name="forks", run_name="begun", ingestion_url=sys.argv[1]) as run:
    for line in sys.stdin:
        run.log("loss", [2.0, 1.0])
`;

/** Opens a page that asks a method twice, as its stream begins with news; gives what is asked from then on. */
async function openFollowing(address, method) {
  const page = await opened.browser.newPage();
  const { asked, quiet } = watchQuestions(page);
  let times = 0;
  const again = page.waitForRequest((request) => request.url().endsWith(`/${method}`) && ++times === 2);
  await page.goto(address);
  await again;
  await quiet();
  asked.length = 0;
  return { page, asked };
}

test("a run that begins is in the tables; nothing is asked while nothing is logged", async (t) => {
  const logging = await startProgram(BEGINS, server.origin);
  t.after(() => logging.stop());
  const projects = await openFollowing(server.origin, "CountRuns");
  const table = await openFollowing(`${server.origin}/w/forks`, "ListRuns");
  t.after(() => Promise.all([projects.page.close(), table.page.close()]));
  await Promise.all([moreNews(projects.page), moreNews(table.page)]); // heartbeats
  assert.deepEqual([projects.asked, table.asked], [[], []]);
  logging.say("begin");
  const begun = table.page.locator('tr[data-run="begun"]');
  await begun.waitFor();
  assert.equal(await begun.locator("svg polyline").count(), 0);
  logging.say("points");
  await begun.locator("svg polyline").waitFor();
  await projects.page.locator("tr", { hasText: "forks" }).getByText("1 running").waitFor();
});

test("of very many columns those exist that are seen", async () => {
  const { page } = opened;
  const columns = Array.from({ length: 60 }, (_, i) => `a:config%2Fsetting_${i}`).join(",");
  await page.goto(`${server.origin}/w/many?columns=${encodeURIComponent(columns)}`);
  const heads = page.locator("table.runs thead th");
  await heads.getByText("setting_0", { exact: true }).waitFor();
  assert.ok((await heads.count()) < 15, `${await heads.count()} heads`);
  await page.locator(".wide").evaluate((frame) => frame.scrollBy(frame.scrollWidth, 0));
  const last = heads.getByText("setting_59", { exact: true });
  await last.waitFor();
  assert.ok((await heads.count()) < 15, `${await heads.count()} heads`);
  const [frame, head] = await Promise.all([page.locator(".wide").boundingBox(), last.boundingBox()]);
  assert.ok(head.x > frame.x && head.x + head.width <= frame.x + frame.width, "it is within the table");
  assert.equal(await page.locator("table.runs tbody tr[data-run]").first().locator("td").count(), (await heads.count()) + 2);
});

test("pages ask only their server, and complain of nothing but the wrong filter", async () => {
  const { complaints, requests } = opened;
  const strangers = requests.map((r) => new URL(r.url())).filter((u) => u.origin !== server.origin);
  assert.deepEqual(strangers.filter((u) => u.protocol !== "data:").map(String), []);
  assert.deepEqual(complaints.filter((c) => !c.includes("400 (Bad Request)")), []);
});
