// Trainings that go on, by Python: of 30 metrics, a point of each ten times a second, or of 100 with 30 series, one a second.

import { spawn } from "node:child_process";

const python = new URL("../../.venv/bin/python", import.meta.url).pathname;
const begin = `
import math, sys, time
import metrana
metrana.init(workspace_name="bench", project_name="live", run_name=sys.argv[2], ingestion_url=sys.argv[1], resume_strategy="allow")
print("logging", flush=True)
step = 0
`;
const few = `${begin}
while True:
    for metric in range(30):
        metrana.log(f"train/metric-{metric:02d}", math.sin(step / 50 + metric))
    step += 1
    time.sleep(0.1)
`;
const many = `${begin}
while True:
    due = time.monotonic() + 1
    for metric in range(100):
        for line in range(30):
            metrana.log(f"train/metric-{metric:02d}", math.sin(step / 50 + line), labels={"line": str(line)})
    step += 1
    time.sleep(max(0, due - time.monotonic()))
`;

/** Starts to log thirty lines, each in a chart of its own; ends with \`stop\`. */
export const startLogging = (origin) => start(origin, "training", few);

/** Starts to log a hundred charts of thirty lines. */
export const startManyLines = (origin) => start(origin, "many-lines", many);

async function start(origin, run, program) {
  const process = spawn(python, ["-c", program, origin, run], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise((resolve) => process.once("exit", resolve));
  await new Promise((resolve, reject) => {
    process.stdout.once("data", resolve);
    exited.then((code) => reject(new Error(`the training exited with ${code}`)));
  });
  return {
    path: `/bench/live/${run}/charts`,
    async stop() {
      process.kill("SIGTERM");
      await exited;
    },
  };
}
