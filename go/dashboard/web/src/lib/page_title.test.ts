import { expect, test } from "vitest";
import { pageTitle } from "./page_title";

test("tabs are told apart by what is most their own", () => {
  const run = { workspace: "w", project: "p", run: "r" };
  expect(pageTitle({ page: "projects" })).toBe("Metrana");
  expect(pageTitle({ page: "runs", workspace: "w", project: "p" })).toBe("p · w · Metrana");
  expect(pageTitle({ page: "run", ...run })).toBe("r · p · Metrana");
  expect(pageTitle({ page: "delivery", ...run })).toBe("r delivery · p · Metrana");
});
