import type { ComponentChildren } from "preact";
import type { Loaded } from "../live";

/** What a part of a page shows while it loads, when it failed, and when it is there. */
export function State<T>({
  of,
  children,
}: {
  of: Loaded<T>;
  children: (value: T) => ComponentChildren;
}) {
  switch (of.state) {
    case "loading":
      return (
        <p class="note" role="status">
          Loading…
        </p>
      );
    case "failed":
      return (
        <p class="note failed" role="alert">
          The server did not answer this: {of.message}. Trying again.
        </p>
      );
    case "ready":
      return <>{children(of.value)}</>;
  }
}
