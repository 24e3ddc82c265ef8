import type { Route } from "./route";

/** A page's name in the browser's tabs and history: what is most its own comes first. */
export function pageTitle(route: Route): string {
  switch (route.page) {
    case "projects":
      return "Metrana";
    case "unknown":
      return "No such page · Metrana";
    case "runs":
      return `${route.project} · ${route.workspace} · Metrana`;
    case "run":
      return `${route.run} · ${route.project} · Metrana`;
    default:
      return `${route.run} ${route.page} · ${route.project} · Metrana`;
  }
}
