import { useSignal } from "@preact/signals";
import { useAnswer } from "../ask";
import { exactText } from "../lib/exact_text";
import { setParams, TEXT, useParam } from "../params";
import { type RunName, readAttributes, type Value } from "../server";

/** What the user and the configuration said of a run, beside what they said of another one. */
export function ConfigTable({
  name,
  attributes,
}: {
  name: RunName;
  attributes: ReadonlyMap<string, Value>;
}) {
  const search = useSignal("");
  const onlyDifferent = useSignal(true);
  const baseline = useParam("baseline", TEXT).value;
  const other = useAnswer(
    (signal) =>
      baseline === "" ? Promise.resolve(null) : readAttributes({ ...name, run: baseline }, signal),
    [name.workspace, name.project, baseline],
  );
  const beside = other.value.value;
  const paths = [...new Set([...attributes.keys(), ...(beside?.keys() ?? [])])]
    .filter((path) => !path.startsWith("sys/"))
    .filter((path) => path.toLowerCase().includes(search.value.toLowerCase()))
    .filter(
      (path) =>
        !beside ||
        !onlyDifferent.value ||
        exactText(attributes.get(path)) !== exactText(beside.get(path)),
    )
    .sort();
  return (
    <section>
      <h2>Configuration</h2>
      <div class="run-bar">
        <input
          type="search"
          aria-label="Find keys"
          placeholder="Find keys"
          value={search.value}
          onInput={(event) => {
            search.value = event.currentTarget.value;
          }}
        />
        <label>
          Beside run
          <input
            aria-label="Beside run"
            placeholder="a run's name"
            value={baseline}
            onChange={(event) => setParams({ baseline: event.currentTarget.value.trim() })}
          />
        </label>
        {beside && (
          <label>
            <input
              type="checkbox"
              checked={onlyDifferent.value}
              onChange={(event) => {
                onlyDifferent.value = event.currentTarget.checked;
              }}
            />
            only what differs
          </label>
        )}
      </div>
      {other.value.failure !== null && (
        <p class="note failed" role="alert">
          {other.value.failure}
        </p>
      )}
      {paths.length === 0 && (
        <p class="note">
          {beside
            ? "Nothing differs."
            : "There is nothing here. metrana.log_config({…}) puts keys here."}
        </p>
      )}
      {paths.length > 0 && (
        <table class="attributes">
          {beside && (
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col">{name.run}</th>
                <th scope="col">{baseline}</th>
              </tr>
            </thead>
          )}
          <tbody>
            {paths.map((path) => (
              <tr key={path}>
                <th scope="row">{path}</th>
                <td>{exactText(attributes.get(path))}</td>
                {beside && <td>{exactText(beside.get(path))}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
