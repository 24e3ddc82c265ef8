import type { RunChange } from "../gen/metrana/views/v1/tail_pb";
import type { FollowedRun } from "../lib/run_changes";
import { views } from "./clients";
import type { RunNames } from "./curves";
import type { ProjectName } from "./runs";

/** The server says something every ten seconds: who hears nothing for longer has lost it. */
const LONGEST_SILENCE = 25_000;

/**
 * What becomes different of runs, as it happens; nothing of what there is already. Ends
 * when all of them were deleted.
 *
 * @param known What was told of runs before: those go on behind their cursors.
 */
export async function* tailRuns(
  { workspace, project, runs }: RunNames,
  known: ReadonlyMap<string, FollowedRun | null>,
  signal: AbortSignal,
): AsyncGenerator<RunChange[]> {
  const left = runs.filter((run) => known.get(run) !== null);
  if (left.length === 0) return;
  const followed = left.map((run) => {
    const cursor = known.get(run)?.cursor;
    return cursor ? { run, cursor } : { run, fromNow: true };
  });
  const open = (signal: AbortSignal) =>
    views.tail({ workspace, project, runs: followed }, { signal });
  for await (const message of withoutSilence(open, signal)) yield message.changes;
}

/** Whether anything of a project's runs, or of all projects', became different. */
export async function* tailProject(
  project: ProjectName | null,
  signal: AbortSignal,
): AsyncGenerator<boolean> {
  const open = (signal: AbortSignal) => views.tailProject(project ?? {}, { signal });
  for await (const message of withoutSilence(open, signal)) yield message.changed;
}

/** The messages of a stream, which fails when there are none for too long. */
async function* withoutSilence<T>(
  open: (signal: AbortSignal) => AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const silence = new AbortController();
  const listen = () => setTimeout(() => silence.abort(), LONGEST_SILENCE);
  let timer = listen();
  try {
    for await (const message of open(AbortSignal.any([signal, silence.signal]))) {
      clearTimeout(timer);
      timer = listen();
      yield message;
    }
  } catch (error) {
    if (!silence.signal.aborted) throw error;
    throw new Error(`Nothing was heard of the server for ${LONGEST_SILENCE / 1000} s.`);
  } finally {
    clearTimeout(timer);
  }
}
