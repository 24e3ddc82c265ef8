import { useAnswer } from "../ask";
import { formatAgo, formatCount } from "../lib/format";
import { hrefOf } from "../lib/route";
import { useLive } from "../live";
import { State } from "../parts/state";
import { listProjects, type Project } from "../server";
import { countByStatus, RUN_STATUSES } from "../server/runs";

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
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">Project</th>
            <th scope="col">Workspace</th>
            <th scope="col" class="number">
              Runs
            </th>
            <th scope="col">Status of runs</th>
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
              <td>
                <Statuses project={p} />
              </td>
              <td>{p.modified && formatAgo(p.modified, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** While a project changes, its runs are counted again each time so many milliseconds have passed. */
const COUNTED_EACH = 10_000;

/** How many runs of a project have each status, those that none has left out. */
function Statuses({ project: { workspace, name, modified, runs } }: { project: Project }) {
  const counts = useAnswer(
    (signal) => countByStatus({ workspace, project: name }, signal),
    [workspace, name, runs, Math.floor((modified?.getTime() ?? 0) / COUNTED_EACH)],
  );
  const { value, failure } = counts.value;
  if (value === null) return failure === null ? null : <span class="failed">{failure}</span>;
  return (
    <span class="statuses">
      {RUN_STATUSES.map((status, i) =>
        value[i] ? (
          <a
            key={status}
            class={`status ${status.toLowerCase()}`}
            href={`${hrefOf({ page: "runs", workspace, project: name })}?filter=${encodeURIComponent(`attr(sys/status) == "${status}"`)}`}
          >
            {formatCount(value[i])} {status.toLowerCase()}
          </a>
        ) : null,
      )}
    </span>
  );
}
