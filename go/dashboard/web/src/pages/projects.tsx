import { formatAgo, formatCount } from "../lib/format";
import { hrefOf } from "../lib/route";
import { useLive } from "../live";
import { State } from "../parts/state";
import { listProjects, type Project } from "../server";

/** All projects, the last changed first. */
export function ProjectsPage() {
  const projects = useLive(listProjects, () => true, []);
  return (
    <>
      <h1>Projects</h1>
      <State of={projects.value}>
        {(list) => (list.length === 0 ? <Nothing /> : <ProjectTable projects={list} />)}
      </State>
    </>
  );
}

function Nothing() {
  return (
    <div class="note">
      <p>Nothing has been logged to this server yet. From Python:</p>
      <pre>{`import metrana

metrana.init(workspace_name="me", project_name="first", run_name="hello")
for step in range(100):
    metrana.log("loss", 1 / (step + 1))
metrana.close()`}</pre>
    </div>
  );
}

function ProjectTable({ projects }: { projects: Project[] }) {
  const now = new Date();
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Project</th>
          <th scope="col">Workspace</th>
          <th scope="col" class="number">
            Runs
          </th>
          <th scope="col">Last activity</th>
        </tr>
      </thead>
      <tbody>
        {projects.map((p) => (
          <tr key={`${p.workspace}/${p.name}`}>
            <td>
              <a href={hrefOf({ page: "runs", workspace: p.workspace, project: p.name })}>
                {p.name}
              </a>
            </td>
            <td>{p.workspace}</td>
            <td class="number">{formatCount(p.runs)}</td>
            <td>{p.modified && formatAgo(p.modified, now)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
