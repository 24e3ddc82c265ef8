import { expect, test } from "vitest";
import { groupEnvironments, groupingAttributes, taskAttributes } from "./environment_groups";

const environments = Array.from({ length: 20 }, (_, i) => ({
  id: `env-${i}`,
  attributes: new Map<string, string | number>([
    ...(i === 19 ? [] : ([["task", i % 2 ? "push" : "reach"]] as [string, string][])),
    ["seed", i],
    ["gravity", 9.81],
    ["arm", i % 3],
  ]),
}));

test("environments are grouped by the value of an attribute", () => {
  const groups = groupEnvironments(environments, "task");
  expect(groups.map((g) => [g.name, g.environments.length])).toEqual([
    ["push", 9],
    ["reach", 10],
  ]);
  expect(
    groupEnvironments(environments, "seed")
      .map((g) => g.name)
      .slice(0, 3),
  ).toEqual(["0", "1", "2"]);
});

test("attributes of one value or of very many are no groups", () => {
  expect(groupingAttributes(environments, ["arm", "task", "seed", "gravity", "none"])).toEqual([
    "task",
    "arm",
  ]);
});

test("tasks are told apart by what is called so, up to two dozen", () => {
  const many = Array.from({ length: 60 }, (_, i) => ({
    id: `env-${i}`,
    attributes: new Map<string, string | number>([
      ["difficulty", i % 3],
      ["task_name", `task ${i % 24}`],
      ["level", i % 25],
      ["seed", i % 2],
    ]),
  }));
  expect(taskAttributes(many, ["difficulty", "level", "seed", "task_name"])).toEqual([
    "task_name",
    "difficulty",
  ]);
});
