// A logged video plays in a browser.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";

const python = new URL("../../.venv/bin/python", import.meta.url).pathname;
const record = new URL("record.py", import.meta.url).pathname;

let directory;
let files;
let opened;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "metrana-rendering-"));
  execFileSync(python, ["-W", "error", record, directory], { stdio: "inherit" });
  const video = await readFile(join(directory, "r", "env-0_7.mp4"));
  files = createServer((request, response) => {
    if (request.url === "/video.mp4") return answerRange(request, response, video);
    response.setHeader("Content-Type", "text/html");
    response.end("<link rel=icon href=data:,><video src=/video.mp4 muted></video>");
  });
  await new Promise((resolve) => files.listen(0, "127.0.0.1", resolve));
  opened = await openBrowser();
  await opened.page.goto(`http://127.0.0.1:${files.address().port}/`);
});

after(async () => {
  await opened?.browser.close();
  files?.close();
  if (directory) await rm(directory, { recursive: true });
});

/** Browsers seek only where they may ask for ranges of bytes. */
function answerRange(request, response, video) {
  const [, from, to] = request.headers.range?.match(/^bytes=(\d+)-(\d*)$/) ?? [null, "0", ""];
  const end = to === "" ? video.length - 1 : Number(to);
  response.writeHead(206, {
    "Content-Type": "video/mp4",
    "Content-Range": `bytes ${from}-${end}/${video.length}`,
  });
  response.end(video.subarray(Number(from), end + 1));
}

/** The colour of a pixel of the frame that is shown at a time. */
const colourAt = (seconds, x, y) =>
  opened.page.locator("video").evaluate(
    async (video, [seconds, x, y]) => {
      const there = new Promise((resolve) => {
        video.onseeked = resolve;
      });
      video.currentTime = seconds;
      await there;
      const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
      const context = canvas.getContext("2d");
      context.drawImage(video, 0, 0);
      return [...context.getImageData(x, y, 1, 1).data].slice(0, 3);
    },
    [seconds, x, y],
  );

test("it has its size and its length", async () => {
  const video = opened.page.locator("video");
  await opened.page.waitForFunction(() => document.querySelector("video").readyState >= 2);
  const shape = await video.evaluate((v) => [v.videoWidth, v.videoHeight, v.duration, v.error]);
  assert.deepEqual(shape, [160, 120, 2, null]);
});

test("a frame has its colours", async () => {
  const near = (seen, wanted) => seen.every((value, i) => Math.abs(value - wanted[i]) < 16);
  for (const [seconds, x, wanted] of [
    [0.5, 40, [200, 30, 30]],
    [0.5, 120, [30, 200, 30]],
    [1.5, 40, [30, 30, 200]],
  ]) {
    const seen = await colourAt(seconds, x, 60);
    assert.ok(near(seen, wanted), `at ${seconds} s the pixel ${x}, 60 is ${seen}, not ${wanted}`);
  }
});

test("it plays to its end", async () => {
  const ended = await opened.page.locator("video").evaluate(async (video) => {
    const done = new Promise((resolve) => {
      video.onended = () => resolve(video.currentTime);
    });
    video.playbackRate = 4;
    await video.play();
    return done;
  });
  assert.equal(ended, 2);
});
