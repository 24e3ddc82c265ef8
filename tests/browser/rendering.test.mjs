// A logged video plays in a browser, from the server that it was uploaded to.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";

const python = new URL("../../.venv/bin/python", import.meta.url).pathname;
const record = new URL("record.py", import.meta.url).pathname;

let directory;
let server;
let opened;
let address;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "metrana-rendering-"));
  server = spawn(python, ["-W", "error", record, directory], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(server, "exit").then(([code]) => {
    throw new Error(`record.py exited with ${code}`);
  });
  const [line] = await Promise.race([once(createInterface({ input: server.stdout }), "line"), exited]);
  const answer = await fetch(`${line}/metrana.views.v1.ViewsService/ListRenderings`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ run: { workspace: "ws", project: "p", run: "r" } }),
  });
  const { renderings } = await answer.json();
  assert.equal(renderings.length, 1);
  address = new URL(renderings[0].url, line).href;
  opened = await openBrowser();
  // A page of the server's, with what its pages may load.
  await opened.page.goto(line);
  await opened.page.evaluate((source) => {
    const video = document.createElement("video");
    video.muted = true;
    video.src = source;
    document.body.append(video);
  }, renderings[0].url);
});

after(async () => {
  await opened?.browser.close();
  if (server?.exitCode === null) {
    server.removeAllListeners("exit");
    const ended = once(server, "exit");
    server.stdin.end();
    await ended;
  }
  if (directory) await rm(directory, { recursive: true });
});

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

test("it plays by itself, too", async () => {
  await opened.page.goto(address);
  const video = opened.page.locator("video");
  await assert.doesNotReject(async () => {
    // The page may run no scripts of its own: it is asked from outside.
    while ((await video.evaluate((v) => v.readyState)) < 2) {
      const failed = await video.evaluate((v) => v.error?.message);
      if (failed || opened.complaints.length > 0) throw new Error(failed ?? opened.complaints.join());
    }
  });
});

test("nothing is complained of", () => {
  assert.deepEqual(opened.complaints, []);
});
