import type { ComponentType } from "preact";
import { useAnswer } from "./ask";

/**
 * A page, or a part of one, whose code is fetched when it is first shown, and kept.
 *
 * @param load Fetches the page.
 */
export function lazyPage<P extends object>(
  load: () => Promise<ComponentType<P>>,
): ComponentType<P> {
  let kept: ComponentType<P> | null = null;
  return function LazyPage(props: P) {
    const { failure } = useAnswer(async () => {
      kept ??= await load();
    }, []).value;
    const Page = kept;
    if (Page) return <Page {...props} />;
    if (failure !== null) return <NotFetched failure={failure} />;
    return (
      <p class="note" role="status">
        Loading…
      </p>
    );
  };
}

/** A newer server has the files of newer pages alone: what is open asks for files that are gone. */
function NotFetched({ failure }: { failure: string }) {
  return (
    <p class="note failed" role="alert">
      The server did not send this page: {failure}. It may be a newer one than when this tab was
      opened, or not be running.{" "}
      <button type="button" onClick={() => window.location.reload()}>
        Reload
      </button>
    </p>
  );
}
