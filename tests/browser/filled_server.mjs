// Starts a server that a program filled.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const python = new URL("../../.venv/bin/python", import.meta.url).pathname;

/** Fills a server on a port and a directory of its own with what the options ask for, until `stop`. */
export const startPpo = (...options) => startFilled("ppo_run.py", ...options);

/** The same with runs and curves for tests of tables and charts. */
export const startRuns = () => startFilled("runs_project.py");

/** The same with very many charts, and curves, for tests of what a page bears. */
export const startManyCurves = () => startFilled("many_curves.py");

async function startFilled(name, ...options) {
  const program = new URL(name, import.meta.url).pathname;
  const directory = await mkdtemp(join(tmpdir(), "metrana-filled-"));
  const filled = spawn(python, [program, "--serve", directory, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise((resolve) => filled.once("exit", resolve));
  const lines = createInterface({ input: filled.stdout });
  const { url, workspace, project, runs } = JSON.parse(
    await new Promise((resolve, reject) => {
      lines.on("line", (line) => line.startsWith("{") && resolve(line));
      exited.then((code) => reject(new Error(`${name} exited with ${code}`)));
    }),
  );
  return {
    origin: url,
    runs,
    /** The address of a page: of the project, or of one of its runs. */
    page: (...parts) => [url, workspace, project, ...parts].join("/"),
    /** Asks the ViewsService in JSON about a run, or without one about the project. */
    async ask(method, run, question) {
      const response = await fetch(`${url}/metrana.views.v1.ViewsService/${method}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(run ? { run: { workspace, project, run }, ...question } : { workspace, project, ...question }),
      });
      if (!response.ok) throw new Error(`${method}: ${response.status} ${await response.text()}`);
      return response.json();
    },
    async stop() {
      filled.kill("SIGINT");
      const code = await exited;
      await rm(directory, { recursive: true });
      return code;
    },
  };
}
