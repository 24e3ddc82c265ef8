import { formatAgo, formatCount, formatDuration } from "../lib/format";
import { hrefOf } from "../lib/route";
import { useLive } from "../live";
import { State } from "../parts/state";
import { Status } from "../parts/status";
import { Tags } from "../parts/tags";
import { listRuns, type Run } from "../server";

/** How many runs the table shows. */
const SHOWN = 500;

/** The runs of a project, newest first. */
export function RunsPage({ workspace, project }: { workspace: string; project: string }) {
  const where = { workspace, project };
  const answer = useLive(
    (signal) => listRuns(where, SHOWN, signal),
    () => true,
    [workspace, project],
  );
  return (
    <>
      <h1>{project}</h1>
      <State of={answer.value}>
        {({ runs, total }) => (
          <>
            <RunTable where={where} runs={runs} />
            {total > runs.length && (
              <p class="note">
                The newest {formatCount(runs.length)} of {formatCount(total)} runs.
              </p>
            )}
          </>
        )}
      </State>
    </>
  );
}

function RunTable({ where, runs }: { where: { workspace: string; project: string }; runs: Run[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Run</th>
          <th scope="col">Status</th>
          <th scope="col">Created</th>
          <th scope="col">Duration</th>
          <th scope="col">Tags</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <RunRow
            key={run.name}
            run={run}
            href={hrefOf({ page: "run", ...where, run: run.name })}
          />
        ))}
      </tbody>
    </table>
  );
}

function RunRow({ run, href }: { run: Run; href: string }) {
  const created = run.attributes.get("sys/creation_time");
  const seconds = run.attributes.get("sys/running_time_seconds");
  const description = run.attributes.get("sys/description");
  return (
    <tr>
      <td>
        <a href={href}>{run.name}</a>
        {typeof description === "string" && <div class="faint">{description}</div>}
      </td>
      <td>
        <Status value={run.attributes.get("sys/status")} />
      </td>
      <td>{created instanceof Date && formatAgo(created, new Date())}</td>
      <td>{typeof seconds === "number" && formatDuration(seconds)}</td>
      <td>
        <Tags value={run.attributes.get("sys/tags")} />
      </td>
    </tr>
  );
}
