// Projects that are pinned: kept on the server, first in every browser.

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

const button = (page, name) => page.getByRole("button", { name, exact: true });
const focusedLabel = (label) => document.activeElement?.getAttribute("aria-label") === label;

/** The projects as the page lists them. */
async function listed(page) {
  const names = page.locator(".projects tbody td:nth-child(2) a");
  await names.first().waitFor();
  return names.allInnerTexts();
}

test("a project is pinned by keyboard, comes first, and stays there in another browser", async () => {
  const { page, browser } = opened;
  await page.goto(server.origin);
  const before = await listed(page);
  const last = before.at(-1);
  await page.getByRole("link", { name: last, exact: true }).focus();
  await page.keyboard.press("Shift+Tab");
  await page.waitForFunction(focusedLabel, `Pin ${last} of w`);
  await page.keyboard.press("Enter");
  await button(page, `Unpin ${last} of w`).waitFor();
  const pinned = [last, ...before.slice(0, -1)];
  assert.deepEqual(await listed(page), pinned);
  await page.waitForFunction(focusedLabel, `Unpin ${last} of w`);

  await page.reload();
  assert.deepEqual(await listed(page), pinned);
  const fresh = await browser.newContext();
  const other = await fresh.newPage();
  await other.goto(server.origin);
  assert.deepEqual(await listed(other), pinned);

  await button(other, `Unpin ${last} of w`).click();
  await button(page, `Pin ${last} of w`).waitFor(); // the page hears of it
  assert.deepEqual(await listed(page), before);
  await fresh.close();
});

test("the focus goes along where a browser takes it from a row that moves", async () => {
  const page = await opened.browser.newPage();
  await page.addInitScript(() => delete Element.prototype.moveBefore);
  await page.goto(server.origin);
  const names = await listed(page);
  for (const name of names) {
    await button(page, `Pin ${name} of w`).press("Enter");
    await button(page, `Unpin ${name} of w`).waitFor();
    await page.waitForFunction(focusedLabel, `Unpin ${name} of w`);
  }
  for (const name of names) {
    await button(page, `Unpin ${name} of w`).press("Enter");
    await button(page, `Pin ${name} of w`).waitFor();
    await page.waitForFunction(focusedLabel, `Pin ${name} of w`);
  }
  await page.close();
});

test("a pin that does not reach the server says so", async () => {
  const { page } = opened;
  await page.goto(server.origin);
  const [first] = await listed(page);
  await page.context().setOffline(true);
  await button(page, `Pin ${first} of w`).click();
  await page.getByRole("alert").filter({ hasText: "Not pinned: the server does not answer" }).waitFor();
  await page.context().setOffline(false);
  await button(page, `Pin ${first} of w`).click();
  await button(page, `Unpin ${first} of w`).waitFor();
  assert.equal(await page.getByRole("alert").filter({ hasText: "Not pinned" }).count(), 0);
});
