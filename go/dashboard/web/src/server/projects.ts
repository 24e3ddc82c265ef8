import { inOrder } from "../lib/project_order";
import { views } from "./clients";
import type { ProjectName } from "./runs";

/** A project and how its runs are doing; those that were put aside are counted apart. */
export interface Project {
  workspace: string;
  name: string;
  runs: number;
  running: number;
  closed: number;
  crashed: number;
  archived: number;
  modified: Date;
  pinned: boolean;
}

/** The projects of all workspaces, as they are shown. */
export async function listProjects(signal: AbortSignal): Promise<Project[]> {
  const { projects } = await views.countRuns({}, { signal });
  return inOrder(
    projects.map(
      ({ workspace, project, running, closed, crashed, archived, modified, pinned }) => ({
        workspace,
        name: project,
        runs: running + closed + crashed + archived,
        running,
        closed,
        crashed,
        archived,
        modified: new Date(Number(modified?.seconds ?? 0n) * 1000),
        pinned,
      }),
    ),
  );
}

/** Pins a project, or takes that back. */
export async function setPinned(
  { workspace, project }: ProjectName,
  pinned: boolean,
): Promise<void> {
  await views.setPinned({ workspace, project, pinned });
}
