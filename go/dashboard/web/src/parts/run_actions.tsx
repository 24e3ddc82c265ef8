import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { formatNames } from "../lib/episode_filter";
import { messageOf } from "../lib/message_of";
import { hrefOf } from "../lib/route";
import { archiveRun, deleteRun, editRun } from "../server/edits";
import type { ProjectName } from "../server/runs";
import { Dialog } from "./dialog";

interface Props {
  of: ProjectName;
  runs: readonly string[];
  /** Where their charts are. */
  chartsHref: string;
  /** Is told the runs that the action did not get to. */
  onDone: (rest: string[]) => void;
}

/** What can be done with the runs that are selected. */
export function RunActions({ of, runs, chartsHref, onDone }: Props) {
  const asking = useSignal<"tag" | "delete" | null>(null);
  const failure = useSignal("");
  const base = hrefOf({ ...of, page: "runs" });
  const names = encodeURIComponent(formatNames([...runs]));
  const each = async (action: (run: string) => Promise<void>) => {
    asking.value = null;
    failure.value = "";
    const rest = [...runs];
    try {
      for (const run of runs) {
        await action(run);
        rest.shift();
      }
    } catch (error) {
      failure.value = `${rest[0]}: ${messageOf(error)}`;
    }
    onDone(rest);
  };
  return (
    <div class="run-actions" role="toolbar" aria-label="Selected runs">
      <strong>{runs.length} selected</strong>
      <a class="button" href={`${base}?screen=compare&runs=${names}`}>
        Compare
      </a>
      <a class="button" href={chartsHref}>
        Charts
      </a>
      <button
        type="button"
        onClick={() => {
          asking.value = "tag";
        }}
      >
        Tag…
      </button>
      <button type="button" onClick={() => void each((run) => archiveRun(of, run, true))}>
        Archive
      </button>
      <button type="button" onClick={() => void each((run) => archiveRun(of, run, false))}>
        Take back
      </button>
      <button
        type="button"
        class="danger"
        onClick={() => {
          asking.value = "delete";
        }}
      >
        Delete…
      </button>
      {failure.value && (
        <span class="failed" role="alert">
          {failure.value}
        </span>
      )}
      {asking.value === "tag" && (
        <TagDialog
          runs={runs}
          onClose={() => {
            asking.value = null;
          }}
          onTags={(addTags, removeTags) =>
            void each((run) => editRun(of, run, { addTags, removeTags }))
          }
        />
      )}
      {asking.value === "delete" && (
        <DeleteDialog
          runs={runs}
          onClose={() => {
            asking.value = null;
          }}
          onDelete={() => void each((run) => deleteRun(of, run))}
        />
      )}
    </div>
  );
}

function TagDialog({
  runs,
  onClose,
  onTags,
}: {
  runs: readonly string[];
  onClose: () => void;
  onTags: (add: string[], remove: string[]) => void;
}) {
  const add = useRef<HTMLInputElement>(null);
  const remove = useRef<HTMLInputElement>(null);
  const tagsOf = (input: HTMLInputElement | null) =>
    (input?.value ?? "")
      .split(",")
      .map((tag) => tag.trim())
      .filter((tag) => tag !== "");
  return (
    <Dialog
      title={`Tags of ${runs.length === 1 ? runs[0] : `${runs.length} runs`}`}
      onClose={onClose}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onTags(tagsOf(add.current), tagsOf(remove.current));
        }}
      >
        <label>
          Add, with commas between
          <input ref={add} name="add" />
        </label>
        <label>
          Remove
          <input ref={remove} name="remove" />
        </label>
        <p>
          <button type="submit">Change</button>{" "}
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </p>
      </form>
    </Dialog>
  );
}

function DeleteDialog({
  runs,
  onClose,
  onDelete,
}: {
  runs: readonly string[];
  onClose: () => void;
  onDelete: () => void;
}) {
  return (
    <Dialog
      title={runs.length === 1 ? "Delete this run?" : `Delete ${runs.length} runs?`}
      onClose={onClose}
    >
      <ul>
        {runs.slice(0, 12).map((run) => (
          <li key={run}>{run}</li>
        ))}
        {runs.length > 12 && <li>and {runs.length - 12} more</li>}
      </ul>
      <p>All points, attributes and videos go with them. This cannot be undone.</p>
      <p>
        <button type="button" class="danger" onClick={onDelete}>
          Delete
        </button>{" "}
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </p>
    </Dialog>
  );
}
