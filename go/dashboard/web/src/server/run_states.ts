import { namedOneOf } from "../lib/query_text";
import { queries } from "./clients";
import type { RunNames } from "./curves";

/** What may change of a run. */
export interface RunState {
  name: string;
  status: string;
  /** When it last took something in, in milliseconds since 1970. */
  modified: number;
}

/** Asks for the states of runs, in one small question. */
export async function listRunStates(
  { workspace, project, runs }: RunNames,
  signal: AbortSignal,
): Promise<RunState[]> {
  const answer = await queries.listRuns(
    {
      workspace,
      project,
      filter: namedOneOf(runs),
      attributePaths: ["sys/status", "sys/modification_time"],
      limit: BigInt(runs.length),
    },
    { signal },
  );
  return answer.runs.map((run) => {
    const state: RunState = { name: run.name, status: "", modified: 0 };
    for (const { path, value } of run.attributes) {
      if (path === "sys/status" && value.case === "stringValue") state.status = value.value;
      if (path === "sys/modification_time" && value.case === "timestampValue") {
        state.modified = Number(value.value.seconds) * 1000 + value.value.nanos / 1e6;
      }
    }
    return state;
  });
}
