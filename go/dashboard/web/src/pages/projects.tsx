import { useSignal } from "@preact/signals";
import { useAnswer } from "../ask";
import { useAtMostEvery } from "../at_most_every";
import { failureText } from "../lib/failure_text";
import { formatAgo, formatCount } from "../lib/format";
import { messageOf } from "../lib/message_of";
import { quoted } from "../lib/query_text";
import { hrefOf } from "../lib/route";
import { AnswerState } from "../parts/answer_state";
import { PinButton } from "../parts/pin_button";
import { StaleNote } from "../parts/stale_note";
import { useProjectNews } from "../project_news";
import { listProjects, type Project, setPinned } from "../server/projects";

/** How often runs are counted, at most, in milliseconds. */
const PERIOD = 1000;

/** All projects: those that are pinned, then the others, the last changed first. */
export function ProjectsPage() {
  const news = useProjectNews(null).value;
  const pins = useSignal(0); // that were changed here
  const failure = useSignal("");
  const version = useAtMostEvery(news.version, PERIOD) + pins.value;
  const projects = useAnswer(listProjects, [], version);
  const pin = async ({ workspace, name, pinned }: Project) => {
    failure.value = "";
    try {
      await setPinned({ workspace, project: name }, !pinned);
    } catch (error) {
      failure.value = `${pinned ? "Still" : "Not"} pinned: ${failureText(messageOf(error))}`;
    }
    pins.value++;
  };
  return (
    <>
      <h1>Projects</h1>
      <StaleNote failure={news.failure} />
      {failure.value !== "" && (
        <p class="note failed" role="alert">
          {failure.value}
        </p>
      )}
      <AnswerState of={projects.value}>
        {(list) =>
          list.length === 0 ? (
            <Nothing />
          ) : (
            <ProjectTable projects={list} onPin={(project) => void pin(project)} />
          )
        }
      </AnswerState>
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

interface TableProps {
  projects: Project[];
  /** Pins a project, or takes that back. */
  onPin: (project: Project) => void;
}

function ProjectTable({ projects, onPin }: TableProps) {
  const now = new Date();
  return (
    <div class="wide">
      <table class="projects">
        <thead>
          <tr>
            <th scope="col">
              <span class="hidden">Pin</span>
            </th>
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
            <tr key={`${p.workspace}/${p.name}`} class={p.pinned ? "pinned" : ""}>
              <td class="pin">
                <PinButton
                  title={`${p.name} of ${p.workspace}`}
                  pinned={p.pinned}
                  onToggle={() => onPin(p)}
                />
              </td>
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
              <td title={p.modified.toISOString()}>{formatAgo(p.modified, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const STATUSES = ["running", "closed", "crashed", "archived"] as const;

/** How many runs of a project have each status, those that none has left out. */
function Statuses({ project }: { project: Project }) {
  const runs = hrefOf({ page: "runs", workspace: project.workspace, project: project.name });
  return (
    <span class="statuses">
      {STATUSES.map((status) =>
        project[status] === 0 ? null : (
          <a
            key={status}
            class={`status ${status}`}
            href={`${runs}?filter=${encodeURIComponent(conditionOf(status))}`}
          >
            {formatCount(project[status])} {status}
          </a>
        ),
      )}
    </span>
  );
}

/** The condition of runs that are counted under a status. */
function conditionOf(status: (typeof STATUSES)[number]): string {
  return status === "archived"
    ? "attr(sys/archived) == True"
    : `attr(sys/archived) == False AND attr(sys/status) == ${quoted(status.toUpperCase())}`;
}
