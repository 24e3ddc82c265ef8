import type { VideoPart } from "../lib/frames";
import type { RunName } from "../server";
import { views } from "./clients";

/** The most parts of an episode's video that are played one after the other. */
const MOST_PARTS = 1000;

/** The video of an episode that the server keeps, in parts; none when it has none. */
export async function readVideo(
  run: RunName,
  environment: string,
  episode: number,
  signal: AbortSignal,
): Promise<VideoPart[]> {
  const number = BigInt(episode);
  const answer = await views.listRenderings(
    { run, environment, episodes: { from: number, to: number }, limit: MOST_PARTS },
    { signal },
  );
  return answer.renderings.map((r) => ({ url: r.url, fps: r.fps, frames: Number(r.frames) }));
}

interface EpisodeName {
  environment: string;
  episode: number;
}

/** Which of some episodes have a video, by `videoKey`. */
export async function findVideos(
  run: RunName,
  episodes: readonly EpisodeName[],
  signal: AbortSignal,
): Promise<Set<string>> {
  if (episodes.length === 0) return new Set();
  const all = await views.listRenderings(
    { run, episodes: rangeOf(episodes), limit: MOST_PARTS },
    { signal },
  );
  if (all.nextPageToken === "") return keysOf(all.renderings);
  // Very many have one: then those of each environment are asked for.
  const environments = [...new Set(episodes.map((e) => e.environment))];
  const answers = await Promise.all(
    environments.map((environment) => {
      const of = rangeOf(episodes.filter((e) => e.environment === environment));
      return views.listRenderings(
        { run, environment, episodes: of, limit: MOST_PARTS },
        { signal },
      );
    }),
  );
  return keysOf(answers.flatMap((a) => a.renderings));
}

function rangeOf(episodes: readonly EpisodeName[]) {
  const numbers = episodes.map((e) => e.episode);
  return { from: BigInt(Math.min(...numbers)), to: BigInt(Math.max(...numbers)) };
}

function keysOf(renderings: readonly { environment: string; episode: bigint }[]): Set<string> {
  return new Set(renderings.map((r) => videoKey(r.environment, Number(r.episode))));
}

/** What tells the videos of episodes apart. */
export function videoKey(environment: string, episode: number): string {
  return JSON.stringify([environment, episode]);
}
