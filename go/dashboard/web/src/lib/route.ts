/** The pages that a run has beside its overview, by the last part of their paths. */
const RUN_PAGES = ["charts", "environments", "episodes", "episode", "delivery"] as const;
type RunPageName = (typeof RUN_PAGES)[number];

/** What an address shows. Names are percent-encoded, one path segment each. */
export type Route =
  | { page: "projects" }
  | { page: "runs"; workspace: string; project: string }
  | { page: "run" | RunPageName; workspace: string; project: string; run: string }
  | { page: "unknown" };

/** Reads the path of an address. */
export function parseRoute(path: string): Route {
  const names = decode(path.split("/").filter((part) => part !== ""));
  if (names === null) return { page: "unknown" };
  const [workspace, project, run, of, more] = names;
  if (workspace === undefined) return { page: "projects" };
  if (project === undefined || more !== undefined) return { page: "unknown" };
  if (run === undefined) return { page: "runs", workspace, project };
  if (of === undefined) return { page: "run", workspace, project, run };
  const page = RUN_PAGES.find((name) => name === of);
  return page ? { page, workspace, project, run } : { page: "unknown" };
}

function decode(parts: string[]): string[] | null {
  try {
    return parts.map(decodeURIComponent);
  } catch {
    return null; // not percent-encoding
  }
}

/** The address of a page. */
export function hrefOf(route: Route): string {
  switch (route.page) {
    case "runs":
      return path(route.workspace, route.project);
    case "run":
      return path(route.workspace, route.project, route.run);
    case "charts":
    case "environments":
    case "episodes":
    case "episode":
    case "delivery":
      return path(route.workspace, route.project, route.run, route.page);
    default:
      return "/";
  }
}

/** The address of an episode, of those that the query of a list selects. */
export function episodeHref(
  { workspace, project, run }: { workspace: string; project: string; run: string },
  environment: string,
  episode: number,
  among = "",
): string {
  const search = new URLSearchParams({ env: environment, episode: String(episode) });
  if (among !== "") search.set("among", among);
  return `${hrefOf({ page: "episode", workspace, project, run })}?${search}`;
}

function path(...names: string[]): string {
  return `/${names.map(encodeURIComponent).join("/")}`;
}
