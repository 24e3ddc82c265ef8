import { expect, test } from "vitest";
import { episodeHref, hrefOf, parseRoute, type Route } from "./route";

test("a page's address leads back to the page", () => {
  const routes: Route[] = [
    { page: "projects" },
    { page: "runs", workspace: "w", project: "a b/c" },
    { page: "run", workspace: "ü", project: "p%", run: "run.v1?#x" },
    { page: "environments", workspace: "w", project: "p", run: "environments" },
    { page: "episodes", workspace: "w", project: "p", run: "r" },
    { page: "episode", workspace: "w", project: "p", run: "r" },
  ];
  for (const route of routes) expect(parseRoute(hrefOf(route))).toEqual(route);
});

test("addresses that are none", () => {
  for (const path of ["/only", "/a/b/c/d", "/%zz/b"]) {
    expect(parseRoute(path)).toEqual({ page: "unknown" });
  }
});

test("an episode's address names its environment, whatever it is called", () => {
  const url = new URL(
    episodeHref({ workspace: "w", project: "p", run: "r" }, "a&b=c d", 12, "values=1.."),
    "http://127.0.0.1",
  );
  expect(url.pathname).toBe("/w/p/r/episode");
  expect(Object.fromEntries(url.searchParams)).toEqual({
    env: "a&b=c d",
    episode: "12",
    among: "values=1..",
  });
});
