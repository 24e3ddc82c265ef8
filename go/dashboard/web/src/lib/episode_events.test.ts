import { expect, test } from "vitest";
import { type EpisodeFacts, eventsOf, isEvent } from "./episode_events";

const facts = (change: Partial<EpisodeFacts> = {}): EpisodeFacts => ({
  envSteps: 20,
  restarts: 0,
  metrics: new Map(),
  attributes: new Map(),
  ...change,
});

const curve = (metric: string, values: number[]) => ({
  metric,
  xs: values.map((_, i) => i),
  minima: values,
  maxima: values,
});

test.each([
  ["done", true],
  ["terminated", true],
  ["env/truncated", true],
  ["TimeLimit.truncated", true],
  ["time_out", true],
  ["is_last", true],
  ["reward", false],
  ["Episode_Termination/base_contact", false],
  ["abandoned", false],
])("%s tells of an event: %s", (name, is) => {
  expect(isEvent(name)).toBe(is);
});

test("an event happened where its curve is not 0", () => {
  const curves = [
    curve("done", [0, 0, 1]),
    curve("env/truncated", [0, 1, 1]),
    curve("reward", [1]),
  ];
  expect(eventsOf(facts(), curves)).toEqual([
    { x: 1, title: "truncated" },
    { x: 2, title: "done, truncated" },
  ]);
});

test("what is told of the whole episode happened at its last env step", () => {
  const metrics = new Map([
    ["terminated", 0],
    ["truncated", 1],
    ["time_out", Number.NaN],
    ["return", 3],
  ]);
  expect(eventsOf(facts({ metrics }), [])).toEqual([{ x: 19, title: "truncated" }]);
  const attributes = new Map<string, string | boolean>([
    ["terminated", true],
    ["truncated", false],
    ["end_reason", "fell over"],
  ]);
  expect(eventsOf(facts({ attributes }), [])).toEqual([{ x: 19, title: "terminated, fell over" }]);
  expect(eventsOf(facts({ metrics, envSteps: 0 }), [])).toEqual([]);
});

test("a restart begins at env step 0", () => {
  expect(eventsOf(facts({ restarts: 1 }), [])).toEqual([{ x: 0, title: "restarted" }]);
  expect(eventsOf(facts({ restarts: 3 }), [])).toEqual([{ x: 0, title: "restarted 3 times" }]);
});
