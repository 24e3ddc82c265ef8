import type { Value } from "../server";
import { formatAttribute } from "./format_attribute";

/** An environment with its attributes. */
export interface AttributedEnvironment {
  id: string;
  attributes: Map<string, Value>;
}

/** Environments that have the same value of an attribute. */
export interface EnvironmentGroup {
  name: string;
  environments: string[];
}

/** Beyond so many groups nobody tells their colours apart. */
export const MOST_GROUPS = 8;

/** The environments by the value of an attribute; those without it are in no group. */
export function groupEnvironments(
  environments: readonly AttributedEnvironment[],
  path: string,
): EnvironmentGroup[] {
  const groups = new Map<string, string[]>();
  for (const { id, attributes } of environments) {
    const value = attributes.get(path);
    if (value === undefined || value === null) continue;
    const name = formatAttribute(value);
    groups.set(name, [...(groups.get(name) ?? []), id]);
  }
  return [...groups]
    .sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }))
    .map(([name, ids]) => ({ name, environments: ids }));
}

/** Beyond so many tasks nobody looks at a chart of each. */
export const MOST_TASKS = 24;

/** What tells tasks apart, the likeliest first. */
const TASK_NAMES = [
  /(^|[/_.])task(_?(name|id))?$/i,
  /(^|[/_.])env_?(id|name)$/i,
  /task|level|scenario|map|kind|type/i,
  /difficulty/i,
];

/** The attributes that put environments into a few groups, what is called a task first. */
export function groupingAttributes(
  environments: readonly AttributedEnvironment[],
  paths: readonly string[],
  most = MOST_GROUPS,
): string[] {
  const telling = paths.filter((path) => {
    const groups = groupEnvironments(environments, path);
    return groups.length > 1 && groups.length <= most;
  });
  return tasksFirst(telling);
}

/** Paths of attributes, what is called a task first. */
export function tasksFirst(paths: readonly string[]): string[] {
  return [...paths].sort((a, b) => taskRank(a) - taskRank(b));
}

/** The attributes that say which of a few tasks an environment has, the likeliest first. */
export function taskAttributes(
  environments: readonly AttributedEnvironment[],
  paths: readonly string[],
): string[] {
  return groupingAttributes(environments, paths.filter(namesTask), MOST_TASKS);
}

/** Whether an attribute is called as one that tells tasks apart. */
export function namesTask(path: string): boolean {
  return taskRank(path) < TASK_NAMES.length;
}

function taskRank(path: string): number {
  const rank = TASK_NAMES.findIndex((name) => name.test(path));
  return rank < 0 ? TASK_NAMES.length : rank;
}
