// What a browser fetches before the first page is there, and what comes with the other pages.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startServer } from "./bare_server.mjs";
import { openBrowser } from "./browser.mjs";
import { shellKilobytes } from "./shell_size.mjs";

/** As in tests/bench/dashboard.mjs. */
const MOST_KILOBYTES = 110;

let server;
let opened;

before(async () => {
  server = await startServer();
  opened = await openBrowser();
});

after(async () => {
  await opened?.browser.close();
  if (server) assert.equal(await server.stop(), 0, "the server's exit code");
});

const files = (requests) =>
  requests.filter((r) => ["document", "script", "stylesheet"].includes(r.resourceType()));

test("the table of runs comes without the code of the other pages", async () => {
  const kilobytes = await shellKilobytes(opened.page, `${server.origin}/w/p`);
  assert.ok(kilobytes > 10 && kilobytes < MOST_KILOBYTES, `${kilobytes.toFixed(1)} KB`);
});

test("a page whose code is fetched is there at once the next time", async () => {
  const { page, requests } = opened;
  await page.goto(`${server.origin}/w/p/r/episodes`);
  await page.locator("nav.run-nav").getByText("Delivery").click();
  await page.locator("main .answer").waitFor();
  await page.locator("nav.run-nav").getByText("Episodes").click();
  requests.length = 0;
  await page.locator("nav.run-nav").getByText("Delivery").click();
  await page.locator("main .answer").waitFor();
  assert.deepEqual(files(requests).map((r) => r.url()), []);
});

test("where the server has other files by now, the page says so and reloads", async () => {
  const { page, complaints } = opened;
  await page.goto(`${server.origin}/w/p`);
  await page.locator("main p").first().waitFor();
  // A file of no build, as this one is to a server that was built anew.
  const gone = (route) => route.continue({ url: `${server.origin}/assets/delivery-of-yesterday.js` });
  await page.route("**/assets/delivery-*.js", gone);
  await page.evaluate(() => {
    window.history.pushState(null, "", "/w/p/r/delivery");
    window.dispatchEvent(new PopStateEvent("popstate"));
  });
  const failure = page.getByRole("alert");
  await failure.waitFor();
  assert.match(await failure.innerText(), /did not send this page.*Reload/s);
  await page.unroute("**/assets/delivery-*.js");
  await failure.getByRole("button", { name: "Reload" }).click();
  await page.locator("main .answer").waitFor();
  assert.equal(await failure.getByRole("button", { name: "Reload" }).count(), 0);
  assert.ok(complaints.every((text) => /404/.test(text)), complaints.join("\n"));
});
