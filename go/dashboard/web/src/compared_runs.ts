import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Answer, useAnswer } from "./ask";
import { useAtMostEvery } from "./at_most_every";
import type { RunNews } from "./lib/run_changes";
import { useProjectNews } from "./project_news";
import { useRunNews } from "./run_news";
import {
  type ComparedRuns,
  listComparedRuns,
  type ProjectName,
  readRunsThereAre,
} from "./server/statistics";

/** How often it is looked whether there are other runs, at most, in milliseconds. */
const PERIOD = 1000;

/** What a comparison is of, while runs are created, described and logged to. */
export interface FollowedRuns {
  answer: Signal<Answer<ComparedRuns>>;
  news: RunNews;
}

/**
 * Runs by their names, or the newest of a project, and what is heard of them. They are listed
 * anew when there are others, or when what describes them is not as it was: of news that are of
 * points alone it is only asked which runs there are.
 */
export function useComparedRuns(
  of: ProjectName,
  names: string[],
  paused: Signal<boolean>,
): FollowedRuns {
  const held = useRef<{ listed: ComparedRuns; chosen: string; description: number } | null>(null);
  const description = useSignal(0);
  const project = useProjectNews(of, paused).value;
  const chosen = [of.workspace, of.project, ...names].join("\n");
  const answer = useAnswer(
    async (signal) => {
      const before = held.current;
      const now = description.peek();
      if (before?.chosen === chosen && before.description === now) {
        const there = await readRunsThereAre(of, names, signal);
        if (there === before.listed.there) return before.listed;
      }
      const listed = await listComparedRuns(of, names, signal);
      held.current = { listed, chosen, description: now };
      return listed;
    },
    [chosen],
    useAtMostEvery(project.version + description.value, PERIOD),
  );
  const runs = answer.value.value?.runs.map((run) => run.name) ?? [];
  const news = useRunNews({ ...of, runs }, paused).value;
  useEffect(() => {
    description.value = news.description;
  }, [news.description]);
  return { answer, news };
}
