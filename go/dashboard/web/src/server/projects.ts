import { views } from "./clients";

/** A project and how its runs are doing. */
export interface Project {
  workspace: string;
  name: string;
  running: number;
  closed: number;
  crashed: number;
  modified: Date;
}

/** The projects of all workspaces, last changed first. */
export async function listProjects(signal: AbortSignal): Promise<Project[]> {
  const { projects } = await views.countRuns({}, { signal });
  return projects
    .map(({ workspace, project, running, closed, crashed, modified }) => ({
      workspace,
      name: project,
      running,
      closed,
      crashed,
      modified: new Date(Number(modified?.seconds ?? 0n) * 1000),
    }))
    .sort((a, b) => b.modified.getTime() - a.modified.getTime());
}
