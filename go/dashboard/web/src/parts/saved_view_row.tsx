import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { hrefHere, type ProjectRoute, stateHref, stateText } from "../lib/saved_views";
import type { SavedView } from "../server/saved_views";

/** What can be done with a saved view. */
interface Actions {
  rename: (name: string) => void;
  /** By the page at hand. */
  replace: () => void;
  remove: () => void;
}

interface Props {
  view: SavedView;
  route: ProjectRoute;
  act: Actions;
  onOpen: () => void;
}

/** A saved view: opens it, also for the run at hand, and changes it. */
export function SavedViewRow({ view, route, act, onOpen }: Props) {
  const asking = useSignal<keyof Actions | null>(null);
  const ask = (what: keyof Actions | null) => {
    asking.value = what;
  };
  const link = useRef<HTMLAnchorElement>(null);
  const end = () => {
    ask(null);
    link.current?.focus(); // the question goes, with what had the focus
  };
  const here = hrefHere(view, route);
  return (
    <li>
      <a ref={link} href={stateHref(route, view)} onClick={onOpen}>
        {view.name}
      </a>
      <span class="of">{stateText(view)}</span>
      {asking.value ? (
        <Question what={asking.value} name={view.name} act={act} onEnd={end} />
      ) : (
        <div class="acts">
          {here !== null && (
            <a href={here} onClick={onOpen} aria-label={`Open ${view.name} for this run`}>
              Open for this run
            </a>
          )}
          <button type="button" aria-label={`Replace ${view.name}`} onClick={() => ask("replace")}>
            Replace
          </button>
          <button type="button" aria-label={`Rename ${view.name}`} onClick={() => ask("rename")}>
            Rename
          </button>
          <button type="button" aria-label={`Delete ${view.name}`} onClick={() => ask("remove")}>
            Delete
          </button>
        </div>
      )}
    </li>
  );
}

const QUESTIONS = {
  rename: { text: "New name", does: "Rename" },
  replace: { text: "By this page as it is now?", does: "Replace" },
  remove: { text: "For everyone, for ever?", does: "Delete" },
} as const;

interface QuestionProps {
  what: keyof Actions;
  name: string;
  act: Actions;
  onEnd: () => void;
}

function Question({ what, name, act, onEnd }: QuestionProps) {
  const input = useRef<HTMLInputElement>(null);
  const yes = useRef<HTMLButtonElement>(null);
  useEffect(() => (input.current ?? yes.current)?.focus(), []);
  const { text, does } = QUESTIONS[what];
  return (
    <form
      class="acts"
      onSubmit={(event) => {
        event.preventDefault();
        onEnd();
        if (what === "rename") act.rename(input.current?.value.trim() ?? name);
        else act[what]();
      }}
    >
      {what === "rename" ? (
        <input ref={input} aria-label={text} defaultValue={name} required autocomplete="off" />
      ) : (
        <span>{text}</span>
      )}
      <button type="submit" ref={yes} class={what === "remove" ? "danger" : undefined}>
        {does}
      </button>
      <button type="button" onClick={onEnd}>
        Cancel
      </button>
    </form>
  );
}
