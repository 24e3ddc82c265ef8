/** What an address shows. Names are percent-encoded, one path segment each. */
export type Route =
  | { page: "projects" }
  | { page: "runs"; workspace: string; project: string }
  | { page: "run"; workspace: string; project: string; run: string }
  | { page: "unknown" };

/** Reads the path of an address. */
export function parseRoute(path: string): Route {
  const names = decode(path.split("/").filter((part) => part !== ""));
  if (names === null) return { page: "unknown" };
  const [workspace, project, run, more] = names;
  if (workspace === undefined) return { page: "projects" };
  if (project === undefined || more !== undefined) return { page: "unknown" };
  if (run === undefined) return { page: "runs", workspace, project };
  return { page: "run", workspace, project, run };
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
    default:
      return "/";
  }
}

function path(...names: string[]): string {
  return `/${names.map(encodeURIComponent).join("/")}`;
}
