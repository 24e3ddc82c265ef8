import { Code, ConnectError } from "@connectrpc/connect";
import { namedOneOf } from "../lib/query_text";
import { type RunName, type ShownRun, type Value, valuesOf } from "../server";
import { queries } from "./clients";
import type { RunNames } from "./curves";

/** A run that another one inherits from. */
export interface Ancestor {
  run: string;
  /** The last step that is inherited of it; of points of environments the last update. */
  upTo: number;
}

/** The runs that a run is shown by: itself, and those that it inherits from where these are shown. */
export function shownRuns({ run, inherited }: ShownRun, ancestors: readonly Ancestor[]): string[] {
  return inherited ? [run, ...ancestors.map((a) => a.run)] : [run];
}

/** The attribute that names the run that a run was forked from. */
export const PARENT = "sys/forking/parent_run_name";
const STEP = "sys/forking/step";

/** The runs that a run inherits from, its parent first; those behind a deleted one are lost. */
export async function readAncestors(of: RunName, signal: AbortSignal): Promise<Ancestor[]> {
  const ancestors: Ancestor[] = [];
  let [origin, upTo] = [await readOrigin(of, signal), Number.POSITIVE_INFINITY];
  for (;;) {
    const [parent, step] = [origin?.get(PARENT), origin?.get(STEP)];
    if (typeof parent !== "string" || typeof step !== "number") return ancestors;
    origin = await readOrigin({ ...of, run: parent }, signal);
    if (origin === null) return ancestors;
    upTo = Math.min(upTo, step);
    ancestors.push({ run: parent, upTo });
  }
}

/** What a run was forked from, as attributes; null where there is no such run. */
async function readOrigin(
  { workspace, project, run }: RunName,
  signal: AbortSignal,
): Promise<Map<string, Value> | null> {
  const answer = await queries
    .listAttributes(
      {
        workspace,
        source: { case: "runSource", value: { project, run } },
        attrFilter: { nameFilter: { case: "regex", value: "^sys/forking/" } },
        limit: 100n,
      },
      { signal },
    )
    .catch(nullWhereNotFound);
  return answer && valuesOf(answer.attributes);
}

/** For `catch`: what is not there is null, all else is still an error. */
export function nullWhereNotFound(error: unknown): null {
  if (ConnectError.from(error).code === Code.NotFound) return null;
  throw error;
}

/** Runs and those that they inherit from, asked for a generation at a time; deleted ones are lost. */
export async function withAncestors(
  { workspace, project, runs }: RunNames,
  signal: AbortSignal,
): Promise<RunNames> {
  const all = new Set(runs);
  for (let generation = [...runs]; generation.length > 0; ) {
    const { runs: there } = await queries.listRuns(
      {
        workspace,
        project,
        filter: namedOneOf(generation),
        attributePaths: [PARENT],
        limit: BigInt(generation.length),
      },
      { signal },
    );
    for (const run of there) all.add(run.name);
    generation = there
      .map((run) => valuesOf(run.attributes).get(PARENT))
      .filter((parent) => typeof parent === "string")
      .filter((parent) => !all.has(parent));
  }
  return { workspace, project, runs: [...all] };
}

/** Whether any of some runs was forked from another one. */
export async function hasForks(
  { workspace, project, runs }: RunNames,
  signal: AbortSignal,
): Promise<boolean> {
  if (runs.length === 0) return false;
  const filter = `(${namedOneOf([...runs])}) AND attr(${PARENT}) EXISTS`;
  const answer = await queries.listRuns({ workspace, project, filter, limit: 1n }, { signal });
  return answer.totalCount > 0n;
}
