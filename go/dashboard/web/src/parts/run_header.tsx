import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { useAnswer } from "../ask";
import { formatAgo, formatCount, formatDuration } from "../lib/format";
import { messageOf } from "../lib/message_of";
import { quoted } from "../lib/query_text";
import { hrefOf } from "../lib/route";
import type { RunName, Value } from "../server";
import { editRun, type RunEdit } from "../server/edits";
import { listForks } from "../server/runs";
import { Status } from "./status";

interface Props {
  name: RunName;
  attributes: ReadonlyMap<string, Value>;
  onEdited: () => void;
}

/** What a run is: its status, times, origin, tags and description, the last two to be changed. */
export function RunHeader({ name, attributes, onEdited }: Props) {
  const failure = useSignal("");
  const created = attributes.get("sys/creation_time");
  const seconds = attributes.get("sys/running_time_seconds");
  const commit = attributes.get("git/commit_sha");
  const owner = attributes.get("owner"); // nobody logs it but the user
  const parent = attributes.get("sys/forking/parent_run_name");
  const edit = async (change: RunEdit) => {
    failure.value = "";
    try {
      await editRun(name, name.run, change);
    } catch (error) {
      failure.value = messageOf(error);
    }
    onEdited();
  };
  return (
    <div class="run-header">
      <h1>{name.run}</h1>
      <p>
        <Status value={attributes.get("sys/status")} />
        {attributes.get("sys/archived") === true && <span class="tag">archived</span>}
        {created instanceof Date && (
          <span title={created.toISOString()}>started {formatAgo(created, new Date())}</span>
        )}
        {typeof seconds === "number" && <span>ran {formatDuration(seconds)}</span>}
        {typeof owner === "string" && <span>by {owner}</span>}
        {typeof commit === "string" && (
          <span title={commit}>
            commit <code>{commit.slice(0, 10)}</code>
          </span>
        )}
        {typeof parent === "string" && (
          <span>
            forked from <a href={hrefOf({ ...name, run: parent, page: "run" })}>{parent}</a> at{" "}
            {String(attributes.get("sys/forking/step"))}
          </span>
        )}
      </p>
      <Forks name={name} />
      <TagList tags={attributes.get("sys/tags")} onEdit={edit} />
      <Description text={attributes.get("sys/description")} onEdit={edit} />
      {failure.value && (
        <p class="note failed" role="alert">
          {failure.value}
        </p>
      )}
    </div>
  );
}

/** How many forks are named on the page; the table has the others. */
const NAMED = 8;

/** The runs that were forked from this one. */
function Forks({ name }: { name: RunName }) {
  const forks = useAnswer(
    (signal) => listForks(name, name.run, signal),
    [name.workspace, name.project, name.run],
  );
  const { value, failure } = forks.value;
  if (failure !== null) return <p class="failed">Its forks could not be listed: {failure}</p>;
  if (value === null || value.total === 0) return null;
  const table = hrefOf({ ...name, page: "runs" });
  const filter = `attr(sys/forking/parent_run_name) == ${quoted(name.run)}`;
  return (
    <p>
      <span>forked into</span>
      {value.names.slice(0, NAMED).map((run) => (
        <a key={run} href={hrefOf({ ...name, run, page: "run" })}>
          {run}
        </a>
      ))}
      {value.total > NAMED && (
        <a href={`${table}?filter=${encodeURIComponent(filter)}`}>
          and {formatCount(value.total - NAMED)} more
        </a>
      )}
    </p>
  );
}

function TagList({ tags, onEdit }: { tags: Value | undefined; onEdit: (change: RunEdit) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const list = Array.isArray(tags) ? tags : [];
  return (
    <form
      class="tag-list"
      onSubmit={(event) => {
        event.preventDefault();
        const tag = input.current?.value.trim() ?? "";
        if (tag === "" || !input.current) return;
        input.current.value = "";
        onEdit({ addTags: [tag] });
      }}
    >
      {list.map((tag) => (
        <span key={tag} class="tag">
          {tag}
          <button
            type="button"
            aria-label={`Remove tag ${tag}`}
            onClick={() => onEdit({ removeTags: [tag] })}
          >
            ×
          </button>
        </span>
      ))}
      <input ref={input} aria-label="Add a tag" placeholder="Add a tag" size={10} />
    </form>
  );
}

function Description({
  text,
  onEdit,
}: {
  text: Value | undefined;
  onEdit: (change: RunEdit) => void;
}) {
  const editing = useSignal(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const shown = typeof text === "string" ? text : "";
  if (!editing.value) {
    return (
      <p class="description">
        {shown}{" "}
        <button
          type="button"
          class="quiet"
          onClick={() => {
            editing.value = true;
          }}
        >
          {shown === "" ? "Describe this run" : "Edit"}
        </button>
      </p>
    );
  }
  return (
    <form
      class="description"
      onSubmit={(event) => {
        event.preventDefault();
        editing.value = false;
        onEdit({ description: area.current?.value ?? "" });
      }}
    >
      <textarea ref={area} aria-label="Description" rows={3} defaultValue={shown} />
      <button type="submit">Save</button>{" "}
      <button
        type="button"
        onClick={() => {
          editing.value = false;
        }}
      >
        Cancel
      </button>
    </form>
  );
}
