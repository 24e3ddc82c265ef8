import { type ReadonlySignal, type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { follow } from "./follow";
import type { ProjectName } from "./server/runs";
import { tailProject } from "./server/tail";

/** What a page has heard of the runs of a project. */
export interface ProjectNews {
  /** Grows when anything of them became different. */
  version: number;
  /** Why nothing is heard; null when something is. */
  failure: string | null;
}

/** Follows the runs of a project, or of all, by one stream. */
export function useProjectNews(
  of: ProjectName | null,
  paused?: ReadonlySignal<boolean>,
): Signal<ProjectNews> {
  const news = useSignal<ProjectNews>({ version: 0, failure: null });
  useEffect(
    () =>
      follow(
        {
          open: (signal) => tailProject(of, signal),
          hear: (changed) => {
            const { version, failure } = news.peek();
            if (changed) news.value = { version: version + 1, failure: null };
            else if (failure !== null) news.value = { version, failure: null };
          },
          fail: (failure) => {
            news.value = { ...news.peek(), failure };
          },
        },
        paused,
      ),
    [of?.workspace, of?.project],
  );
  return news;
}
