import { views } from "./clients";
import type { ProjectName } from "./runs";

/** A page as it stood: which, and the query of its address. */
export interface PageState {
  /** As the server names it. */
  page: string;
  /** Of a page of a run. */
  run?: string;
  /** Without the question mark. */
  parameters: string;
}

/** Such a page under a name. */
export interface SavedView extends PageState {
  name: string;
}

/** The saved views of a project, by name. */
export async function listSavedViews(
  { workspace, project }: ProjectName,
  signal: AbortSignal,
): Promise<SavedView[]> {
  return (await views.listSavedViews({ workspace, project }, { signal })).views;
}

/** Saves a view; `replaces` names the one in whose place it comes. */
export async function saveView(
  { workspace, project }: ProjectName,
  { name, page, run, parameters }: SavedView,
  replaces?: string,
): Promise<void> {
  await views.saveView({ workspace, project, view: { name, page, run, parameters }, replaces });
}

/** Deletes a saved view. */
export async function deleteSavedView(
  { workspace, project }: ProjectName,
  name: string,
): Promise<void> {
  await views.deleteSavedView({ workspace, project, name });
}
