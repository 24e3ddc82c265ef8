import type { ProjectName } from "../server/runs";
import type { PageState, SavedView } from "../server/saved_views";
import { parseNames } from "./episode_filter";
import { hrefOf, type Route } from "./route";

/** The pages that belong to a project. */
export type ProjectRoute = Extract<Route, { project: string }>;

/** What is to be saved of a page, by its route and the query of its address. */
export function stateOf(route: ProjectRoute, search: string): PageState {
  const parameters = search.replace(/^\?/, "");
  return "run" in route
    ? { page: route.page, run: route.run, parameters }
    : { page: route.page, parameters };
}

/** The address of a page in a state. */
export function stateHref(
  { workspace, project }: ProjectName,
  { page, run, parameters }: PageState,
): string {
  const base = hrefOf(
    run === undefined
      ? { page: "runs", workspace, project }
      : { page: "run", workspace, project, run },
  );
  const path = page === "runs" || page === "run" ? base : `${base}/${page}`;
  return parameters === "" ? path : `${path}?${parameters}`;
}

/** The address of a view of another run for the run at hand; null where there is none: an episode is of its run alone. */
export function hrefHere(view: SavedView, route: ProjectRoute): string | null {
  if (!("run" in route) || view.run === undefined) return null;
  if (view.run === route.run || view.page === "episode") return null;
  return stateHref(route, { ...view, run: route.run });
}

/** Which page it is, in words. */
export function stateText({ page, run, parameters }: PageState): string {
  if (run !== undefined)
    return page === "run" ? `Overview of ${run}` : `${capital(page)} of ${run}`;
  const params = new URLSearchParams(parameters);
  const runs = parseNames(params.get("runs") ?? "").length;
  const several = `${runs} ${runs === 1 ? "run" : "runs"}`;
  switch (params.get("screen")) {
    case "compare":
      return `Comparison of ${several}`;
    case "charts":
      return `Charts of ${several}`;
    default:
      return "Table of runs";
  }
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
