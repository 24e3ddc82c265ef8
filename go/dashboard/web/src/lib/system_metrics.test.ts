import { expect, test } from "vitest";
import { machineMetrics } from "./system_metrics";

test("metrics of the machine come by what they are of", () => {
  const names = [
    "system/process_memory_gib",
    "loss",
    "system/gpu_power_watts",
    "system/fan",
    "system/cpu_percent",
    "systematic/error",
    "system/memory_percent",
    "system/gpu_percent",
  ];
  expect(
    machineMetrics(names.map((metricName) => ({ metricName }))).map((m) => m.metricName),
  ).toEqual([
    "system/cpu_percent",
    "system/memory_percent",
    "system/gpu_percent",
    "system/gpu_power_watts",
    "system/process_memory_gib",
    "system/fan",
  ]);
});
