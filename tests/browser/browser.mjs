// Debian's Chromium, driven by playwright-core.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../go/dashboard/web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const program = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** A page that remembers what went wrong on it and whom it asked. */
export async function openBrowser() {
  if (!existsSync(program)) {
    throw new Error(`no Chromium at ${program}: install Debian's chromium, or name one in CHROMIUM`);
  }
  const browser = await chromium.launch({
    executablePath: program,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const complaints = [];
  const requests = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => requests.push(request));
  return { browser, page, complaints, requests };
}
