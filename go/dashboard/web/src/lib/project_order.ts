/** What decides where a list shows a project. */
export interface Listed {
  pinned: boolean;
  modified: Date;
}

/** Pinned ones first, each part by the last change, the latest first. */
export function inOrder<T extends Listed>(projects: readonly T[]): T[] {
  return projects.toSorted(
    (a, b) => Number(b.pinned) - Number(a.pinned) || b.modified.getTime() - a.modified.getTime(),
  );
}
