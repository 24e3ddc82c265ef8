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

/** The attributes that put environments into a few groups, what is called a task first. */
export function groupingAttributes(
  environments: readonly AttributedEnvironment[],
  paths: readonly string[],
): string[] {
  const rank = (path: string) => (/task|level|scenario|map|kind|type/i.test(path) ? 0 : 1);
  return paths
    .filter((path) => {
      const groups = groupEnvironments(environments, path);
      return groups.length > 1 && groups.length <= MOST_GROUPS;
    })
    .sort((a, b) => rank(a) - rank(b));
}
