// Views that are kept on the server: saved in one browser, found in another.

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

const views = (page) => page.locator("summary", { hasText: "Views" });
const button = (page, name) => page.getByRole("button", { name, exact: true });
const link = (page, name) => page.getByRole("link", { name, exact: true });

async function save(page, name) {
  await page.getByLabel("Save this page as").fill(name);
  await page.keyboard.press("Enter");
  await link(page, name).waitFor();
}

/** How far from the top of an element something else lies over it. */
function coveredAt(element) {
  const { left, width, top, height } = element.getBoundingClientRect();
  const places = Array.from({ length: Math.floor(height / 10) }, (_, i) => 5 + 10 * i);
  return places.filter((y) => !element.contains(document.elementFromPoint(left + width / 2, top + y)));
}

test("a view is saved by keyboard, renamed, and found in another browser", async () => {
  const { page, browser } = opened;
  await page.goto(`${server.page()}?filter=${encodeURIComponent("attr(config/lr) < 0.01")}`);
  await views(page).focus();
  await page.keyboard.press("Enter");
  await page.getByText("No view is saved yet").waitFor();
  await save(page, "low lr");
  await button(page, "Delete low lr").click();
  await button(page, "Cancel").press("Enter");
  await page.waitForFunction(() => document.activeElement?.textContent === "low lr");
  await button(page, "Rename low lr").click();
  await page.getByLabel("New name").fill("lowest");
  await page.keyboard.press("Enter");
  await link(page, "lowest").waitFor();
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement?.textContent === "Views");

  const fresh = await browser.newContext();
  const other = await fresh.newPage();
  await other.goto(server.page());
  await views(other).click();
  await link(other, "lowest").click();
  await other.waitForFunction(() => new URLSearchParams(location.search).get("filter") === "attr(config/lr) < 0.01");
  await other.waitForFunction(() => document.querySelector("details.menu[open]") === null);
  await fresh.close();
});

test("a name that is taken is refused, and replaced when asked to; a view can be deleted", async () => {
  const { page } = opened;
  await page.goto(`${server.page()}?filter=`);
  await views(page).click();
  await link(page, "lowest").waitFor();
  await page.getByLabel("Save this page as").fill("lowest");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: "there is a saved view of this name" }).waitFor();
  await button(page, "Replace lowest").click();
  const answered = page.waitForResponse(/SaveView$/);
  await button(page, "Replace").click();
  assert.equal((await answered).status(), 200);
  const { views: kept } = await server.ask("ListSavedViews", null, {});
  assert.deepEqual(kept.map(({ name, parameters }) => [name, parameters]), [["lowest", "filter="]]);
  await button(page, "Delete lowest").click();
  await page.waitForFunction(() => document.activeElement?.textContent === "Delete");
  await page.keyboard.press("Enter");
  await page.getByText("No view is saved yet").waitFor();
});

test("charts of a run open for another one", async () => {
  const { page } = opened;
  await page.goto(`${server.page("seed-3", "charts")}?x=time`);
  await views(page).click();
  await save(page, "by time");
  assert.deepEqual(await page.locator(".saved-views").evaluate(coveredAt), []);
  await page.goto(server.page("seed-7"));
  await views(page).click();
  await link(page, "Open by time for this run").click();
  await page.waitForURL(`${server.page("seed-7", "charts")}?x=time`);
});
