// A training that goes on: 30 metrics, a point of each ten times a second, by Python.

import { spawn } from "node:child_process";

const python = new URL("../../.venv/bin/python", import.meta.url).pathname;
const training = `
import math, sys, time
import metrana
metrana.init(workspace_name="bench", project_name="live", run_name="training", ingestion_url=sys.argv[1])
print("logging", flush=True)
step = 0
while True:
    for metric in range(30):
        metrana.log(f"train/metric-{metric:02d}", math.sin(step / 50 + metric))
    step += 1
    time.sleep(0.1)
`;

/** Starts to log to a server; ends with \`stop\`. */
export async function startLogging(origin) {
  const process = spawn(python, ["-c", training, origin], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise((resolve) => process.once("exit", resolve));
  await new Promise((resolve, reject) => {
    process.stdout.once("data", resolve);
    exited.then((code) => reject(new Error(`the training exited with ${code}`)));
  });
  return {
    path: "/bench/live/training/charts",
    async stop() {
      process.kill("SIGTERM");
      await exited;
    },
  };
}
