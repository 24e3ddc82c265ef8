// Starts the demo: a real server, a real training, real points.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const metrana = new URL("../../.venv/bin/metrana", import.meta.url).pathname;

/** Runs `metrana demo` on a port and a directory of its own, until `stop`. */
export async function startDemo() {
  const directory = await mkdtemp(join(tmpdir(), "metrana-browser-"));
  const demo = spawn(metrana, ["demo", "--data-dir", directory, "--listen", "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  const exited = new Promise((resolve) => demo.once("exit", resolve));
  for (const stream of [demo.stdout, demo.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk) => {
      printed += chunk;
    });
  }
  /** What the demo prints and matches, once it did. */
  const says = (pattern) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = printed.match(pattern);
        if (found) resolve(found[0]);
      };
      demo.stdout.on("data", look);
      exited.then((code) => reject(new Error(`the demo exited with ${code}:\n${printed}`)));
      look();
    });
  return {
    address: new URL(await says(/http:\/\/\S+(?=\s)/)),
    /** Returns when the training is over and everything is delivered. */
    delivered: () => says(/delivered .* 0 dropped[^]*serving until Ctrl-C/),
    /** Ends the demo as Ctrl-C does; gives its exit code. */
    async stop() {
      demo.kill("SIGINT");
      const code = await exited;
      await rm(directory, { recursive: true });
      return code;
    },
  };
}
