import "../styles/saved_views.css";
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { useAnswer } from "../ask";
import { messageOf } from "../lib/message_of";
import { type ProjectRoute, stateOf } from "../lib/saved_views";
import { search } from "../location";
import { deleteSavedView, listSavedViews, type SavedView, saveView } from "../server/saved_views";
import { AnswerState } from "./answer_state";
import { SavedViewRow } from "./saved_view_row";

/** Lists the saved views of a project, and saves the page at hand. */
export function SavedViews({ route, onOpen }: { route: ProjectRoute; onOpen: () => void }) {
  const version = useSignal(0);
  const failure = useSignal("");
  const top = useRef<HTMLDivElement>(null);
  const { workspace, project } = route;
  const list = useAnswer(
    (signal) => listSavedViews(route, signal),
    [workspace, project],
    version.value,
  );
  const here = stateOf(route, search.value);
  const change = async (action: Promise<void>) => {
    failure.value = "";
    top.current?.focus(); // what had the focus may go
    try {
      await action;
    } catch (error) {
      failure.value = messageOf(error);
    }
    version.value++;
    return failure.value === "";
  };
  const act = (view: SavedView) => ({
    rename: (name: string) => change(saveView(route, { ...view, name }, view.name)),
    replace: () => change(saveView(route, { ...here, name: view.name }, view.name)),
    remove: () => change(deleteSavedView(route, view.name)),
  });
  return (
    <div ref={top} tabIndex={-1}>
      <SaveForm onSave={(name) => change(saveView(route, { ...here, name }))} />
      {failure.value !== "" && (
        <p class="note failed" role="alert">
          {failure.value}
        </p>
      )}
      <AnswerState of={list.value}>
        {(views) =>
          views.length === 0 ? (
            <p class="note">
              No view is saved yet. Arrange a page of this project, name it above and save it: it is
              listed here in every browser.
            </p>
          ) : (
            <ul>
              {views.map((view) => (
                <SavedViewRow
                  key={view.name}
                  view={view}
                  route={route}
                  act={act(view)}
                  onOpen={onOpen}
                />
              ))}
            </ul>
          )
        }
      </AnswerState>
    </div>
  );
}

function SaveForm({ onSave }: { onSave: (name: string) => Promise<boolean> }) {
  const name = useRef<HTMLInputElement>(null);
  const save = async (input: HTMLInputElement) => {
    if (await onSave(input.value.trim())) input.value = "";
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (name.current) void save(name.current);
      }}
    >
      <label>
        Save this page as
        <input ref={name} required autocomplete="off" />
      </label>
      <button type="submit">Save</button>
    </form>
  );
}
