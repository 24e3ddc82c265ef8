import { expect, test } from "vitest";
import { inOrder } from "./project_order";

test("pinned projects come first, and the last changed before others", () => {
  const project = (name: string, pinned: boolean, day: number) => ({
    name,
    pinned,
    modified: new Date(2026, 0, day),
  });
  const projects = [
    project("old", false, 1),
    project("old, pinned", true, 2),
    project("newest", false, 9),
    project("new, pinned", true, 8),
  ];
  expect(inOrder(projects).map((p) => p.name)).toEqual([
    "new, pinned",
    "old, pinned",
    "newest",
    "old",
  ]);
});
