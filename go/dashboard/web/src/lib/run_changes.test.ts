import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { RunChangeSchema } from "../gen/metrana/views/v1/tail_pb";
import { metricKey } from "./metric_key";
import {
  heard,
  liveState,
  metricsVersion,
  NOTHING_HEARD,
  onlyOf,
  type RunNews,
  versionOf,
} from "./run_changes";

const loss = { metricName: "loss", scale: "ML_STEP" };
const reward = { metricName: "reward", scale: "ENVIRONMENT_STEP" };

function hear(news: RunNews, change: MessageInitShape<typeof RunChangeSchema>): RunNews {
  return heard(news, [create(RunChangeSchema, { run: "r", status: "RUNNING", ...change })]);
}

const opened = (status = "RUNNING") => hear(NOTHING_HEARD, { status });

test("a page asks once more for a run that was logging when the stream began, and only then", () => {
  expect(versionOf(opened(), loss)).toBe(1);
  expect(metricsVersion(opened(), new Set())).toBe(1);
  expect(opened().version).toBe(1);
  expect(opened("CLOSED")).toMatchObject({ version: 0, everything: 0, description: 0 });
});

test("only what points came to is asked for again", () => {
  const before = opened("CLOSED");
  const after = hear(before, { status: "CLOSED", series: [loss] });
  expect(versionOf(after, loss)).toBe(versionOf(before, loss) + 1);
  expect(versionOf(after, reward)).toBe(versionOf(before, reward));
  expect(after.version).toBe(before.version + 1);
  expect(after.description).toBe(before.description);
});

test("metrics are listed again when one is told of that was not listed", () => {
  const version = (news: RunNews) => metricsVersion(news, new Set([metricKey(loss)]));
  const listed = hear(opened(), { series: [loss] });
  expect(version(listed)).toBe(version(opened()));
  const first = hear(listed, { series: [reward] });
  expect(version(first)).toBe(version(listed) + 1);
  expect(version(hear(first, { series: [reward] }))).toBe(version(first));
});

test("attributes and status describe a run", () => {
  const before = opened();
  expect(hear(before, { attributesChanged: true }).description).toBe(before.description + 1);
  expect(hear(before, { status: "CLOSED" }).description).toBe(before.description + 1);
  expect(hear(before, { deliveryChanged: true }).description).toBe(before.description);
});

test("the last cursor of each run is kept, and none of one that was deleted", () => {
  const at = (points: bigint) => ({ points, description: 1n });
  let news = hear(NOTHING_HEARD, { cursor: at(1n) });
  news = hear(news, { run: "other", cursor: at(5n) });
  news = hear(news, { cursor: at(2n) });
  expect(news.runs.get("r")?.cursor?.points).toBe(2n);
  expect(news.runs.get("other")?.cursor?.points).toBe(5n);
  expect(hear(news, { deleted: true }).runs.get("r")).toBe(null);
});

test("a heartbeat changes nothing but that the server is there again", () => {
  expect(heard(opened(), [])).toEqual(opened());
  const failed = { ...opened(), failure: "no answer" };
  expect(heard(failed, []).failure).toBe(null);
  expect(hear(failed, {}).failure).toBe(null);
});

test("the chip tells the truth", () => {
  expect(liveState(NOTHING_HEARD, false)).toBe("connecting");
  expect(liveState(opened(), false)).toBe("live");
  expect(liveState(opened(), true)).toBe("paused");
  expect(liveState({ ...opened(), failure: "no answer" }, false)).toBe("stale");
  expect(liveState(hear(opened(), { status: "CLOSED" }), false)).toBe("at rest");
  expect(liveState(hear(opened(), { deleted: true }), false)).toBe("at rest");
  const two = hear(opened("CRASHED"), { run: "other" });
  expect(liveState(two, false)).toBe("live");
});

test("a run that is no longer shown says nothing of what is, and its points still count", () => {
  const both = hear(hear(NOTHING_HEARD, { status: "CLOSED" }), { run: "live", series: [loss] });
  const rest = onlyOf(both, ["r"]);
  expect(liveState(both, false)).toBe("live");
  expect(liveState(rest, false)).toBe("at rest");
  expect(versionOf(rest, loss)).toBe(versionOf(both, loss));
  expect(onlyOf(rest, ["r", "new"])).toBe(rest);
});
