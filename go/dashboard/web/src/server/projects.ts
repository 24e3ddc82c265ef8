import { views } from "./clients";

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
}

/** The projects of all workspaces, last changed first. */
export async function listProjects(signal: AbortSignal): Promise<Project[]> {
  const { projects } = await views.countRuns({}, { signal });
  return projects
    .map(({ workspace, project, running, closed, crashed, archived, modified }) => ({
      workspace,
      name: project,
      runs: running + closed + crashed + archived,
      running,
      closed,
      crashed,
      archived,
      modified: new Date(Number(modified?.seconds ?? 0n) * 1000),
    }))
    .sort((a, b) => b.modified.getTime() - a.modified.getTime());
}
