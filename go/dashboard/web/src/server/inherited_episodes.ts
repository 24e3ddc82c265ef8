import { EVERYTHING } from "../lib/episode_filter";
import type { RunName } from "../server";
import { nullWhereNotFound, readAncestors } from "./ancestors";
import { listEpisodes } from "./episodes";

/** The nearest run of those that a run inherits from that has an inherited episode; null: none has. */
export async function findHolder(
  of: RunName,
  environment: string,
  episode: number,
  signal: AbortSignal,
): Promise<string | null> {
  for (const { run, upTo } of await readAncestors(of, signal)) {
    const filter = {
      environments: [environment],
      episodes: { from: episode, to: episode },
      rlSteps: { from: null, to: upTo },
      values: EVERYTHING,
    };
    const question = { metrics: [], attributes: [], filter, descending: false, limit: 1, page: "" };
    const found = await listEpisodes(
      { ...of, run, inherited: false },
      { ...question, sort: "episode" },
      signal,
    ).catch(nullWhereNotFound);
    if (found && found.episodes.length > 0) return run;
  }
  return null;
}
