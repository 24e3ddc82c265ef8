import { csvOf } from "./csv";
import { formatValue } from "./format";

/** A group of a figure, as it is written into a file. */
export interface ExportedGroup {
  name: string;
  counts: ArrayLike<number>;
  values: ArrayLike<number>;
  low: ArrayLike<number> | null;
  high: ArrayLike<number> | null;
}

/** A figure as a table: one row for each grid point and group. Empty: no sample there. */
export function statisticsCsv(
  axis: string,
  grid: ArrayLike<number>,
  groups: readonly ExportedGroup[],
): string {
  const head = ["group", axis, "samples", "estimate", "low", "high"];
  const rows = groups.flatMap(({ name, counts, values, low, high }) =>
    Array.from(grid, (x, i) => [
      name,
      ...[x, counts[i], values[i], low?.[i], high?.[i]].map(known),
    ]),
  );
  return csvOf([head, ...rows]);
}

function known(value: number | undefined): number | string {
  return value === undefined || Number.isNaN(value) ? "" : value;
}

/** A program that asks the server for a figure's numbers again. */
export function statisticsPython(origin: string, question: unknown): string {
  // No text of JSON has three quotes in a row.
  return `import base64
import json
import urllib.request

import numpy as np

question = json.loads(r"""${JSON.stringify(question, null, 2)}""")
request = urllib.request.Request(
    "${origin}/metrana.views.v1.ViewsService/GetStatistics",
    data=json.dumps(question).encode(),
    headers={"Content-Type": "application/json"},
)
with urllib.request.urlopen(request) as response:
    answer = json.load(response)


def column(text):
    return np.frombuffer(base64.b64decode(text), "<f8")


x = column(answer["grid"])
for group in answer["groups"]:
    estimate = column(group["estimators"][0]["values"])
    samples = np.array([column(s["values"]) for s in group.get("sampleCurves", [])])
    print(group["name"], samples.shape, estimate[-1])
`;
}

/** An estimate with its interval: `12.3 [10.1, 14.2]`. */
export function intervalText({ value, low, high }: { value: number; low: number; high: number }) {
  if (Number.isNaN(value)) return "";
  const text = formatValue(short(value));
  return Number.isNaN(low)
    ? text
    : `${text} [${formatValue(short(low))}, ${formatValue(short(high))}]`;
}

function short(value: number): number {
  return Number(value.toPrecision(4));
}
