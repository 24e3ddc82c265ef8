// A program in Python that logs as a test tells it to.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";

const python = new URL("../../.venv/bin/python", import.meta.url).pathname;

/** Runs a program that logs to a server, once it says that it has started. */
export async function startProgram(program, url) {
  const logging = spawn(python, ["-c", program, url], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = new Promise((resolve) => logging.once("exit", resolve));
  await new Promise((resolve, reject) => {
    logging.stdout.once("data", resolve);
    exited.then((code) => reject(new Error(`logging ended with ${code}`)));
  });
  return {
    say: (line) => logging.stdin.write(`${line}\n`),
    /** Returns when the program has written something. */
    answer: () => new Promise((resolve) => logging.stdout.once("data", resolve)),
    async stop() {
      logging.stdin.end();
      assert.equal(await exited, 0, "the exit code of who logs");
    },
  };
}
