// A server alone, which may be ended and started again at the same address.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const server = new URL("../../metrana/_lib/metrana-server", import.meta.url).pathname;

/** Serves a directory at an address; gives the address, and how to end that with the exit code. */
export async function serve(directory, listen = "127.0.0.1:0") {
  const process = spawn(server, ["serve", "--data-dir", directory, "--listen", listen], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise((resolve) => process.once("exit", resolve));
  const origin = await new Promise((resolve, reject) => {
    let printed = "";
    process.stdout.setEncoding("utf8").on("data", (chunk) => {
      printed += chunk;
      const found = printed.match(/listening on (\S+)\n/);
      if (found) resolve(found[1]);
    });
    exited.then((code) => reject(new Error(`the server exited with ${code}`)));
  });
  return {
    origin,
    stop() {
      process.kill("SIGTERM");
      return exited;
    },
  };
}

/** Starts a server on a directory of its own, until `stop`. */
export async function startServer() {
  const directory = await mkdtemp(join(tmpdir(), "metrana-bare-"));
  let running = await serve(directory);
  const { origin } = running;
  return {
    origin,
    /** Ends it until `start`; gives its exit code. */
    end: () => running.stop(),
    async start() {
      running = await serve(directory, new URL(origin).host);
    },
    async stop() {
      const code = await running.stop();
      await rm(directory, { recursive: true });
      return code;
    },
  };
}
