import { formatAgo, formatCount } from "../lib/format";
import { quoted } from "../lib/query_text";
import { hrefOf } from "../lib/route";
import { useLive } from "../live";
import { State } from "../parts/state";
import { listProjects, type Project } from "../server/projects";

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

const STATUSES = ["running", "closed", "crashed"] as const;

function ProjectTable({ projects }: { projects: Project[] }) {
  const now = new Date();
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">Project</th>
            <th scope="col">Workspace</th>
            {STATUSES.map((status) => (
              <th key={status} scope="col" class="number">
                <span class={`status ${status}`}>{status}</span>
              </th>
            ))}
            <th scope="col">Last activity</th>
          </tr>
        </thead>
        <tbody>
          {projects.map((p) => (
            <ProjectRow key={`${p.workspace}/${p.name}`} project={p} now={now} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ProjectRow({ project, now }: { project: Project; now: Date }) {
  const { workspace, name, modified } = project;
  const href = hrefOf({ page: "runs", workspace, project: name });
  return (
    <tr>
      <td>
        <a href={href}>{name}</a>
      </td>
      <td>{workspace}</td>
      {STATUSES.map((status) => (
        <td key={status} class="number">
          {project[status] === 0 ? (
            <span class="faint">0</span>
          ) : (
            <CountLink {...{ href, status }} count={project[status]} />
          )}
        </td>
      ))}
      <td title={modified.toISOString()}>{formatAgo(modified, now)}</td>
    </tr>
  );
}

/** So many runs, and the way to them. */
function CountLink({ href, status, count }: { href: string; status: string; count: number }) {
  const filter = `attr(sys/status) == ${quoted(status.toUpperCase())}`;
  return (
    <a href={`${href}?filter=${encodeURIComponent(filter)}`} aria-label={`${count} ${status}`}>
      {formatCount(count)}
    </a>
  );
}
