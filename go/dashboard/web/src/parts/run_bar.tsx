import type { ComponentChildren, Ref } from "preact";
import { formatCount } from "../lib/format";
import { formatColumn, type RunColumn } from "../lib/run_columns";
import { setParams } from "../params";
import type { ProjectName, RunRow } from "../server/runs";
import { AttributeOptions } from "./attribute_options";
import { ColourField } from "./colour_field";
import { ColumnPicker } from "./column_picker";
import { FILTER_EXAMPLES } from "./filter_failure";

interface Props {
  of: ProjectName;
  /** Where the filter is written. */
  input: Ref<HTMLInputElement>;
  filter: string;
  /** Whether the server did not take the filter. */
  refused: boolean;
  /** The attribute that runs are grouped by; empty: none. */
  group: string;
  paths: readonly string[];
  /** The tags that runs are known to have. */
  tags: readonly string[];
  columns: readonly RunColumn[];
  baseline: RunRow | null;
  onlyDiffering: boolean;
  total: number;
  /** What stands behind. */
  children: ComponentChildren;
}

/** What is above the table: which runs it has, and how. */
export function RunBar(props: Props) {
  const { of, columns, baseline, total } = props;
  return (
    <div class="run-bar">
      <FilterInput {...props} />
      <GroupBy group={props.group} paths={props.paths} />
      <ColourField paths={props.paths} tags={props.tags} />
      <ColumnPicker
        of={of}
        columns={columns}
        onChange={(next) => setParams({ columns: next.map(formatColumn).join(",") || "none" })}
      />
      {baseline && <OnlyDiffering baseline={baseline} checked={props.onlyDiffering} />}
      <span class="faint">{formatCount(total)} runs</span>
      {props.children}
    </div>
  );
}

function FilterInput({ input, filter, refused }: Pick<Props, "input" | "filter" | "refused">) {
  return (
    <input
      ref={input}
      type="search"
      class="filter"
      aria-label="Filter"
      placeholder={`Filter, as ${FILTER_EXAMPLES[0]}   ( / )`}
      aria-invalid={refused}
      value={filter}
      onChange={(event) => setParams({ filter: event.currentTarget.value })}
    />
  );
}

function GroupBy({ group, paths }: Pick<Props, "group" | "paths">) {
  return (
    <label>
      Group by
      <select value={group} onChange={(event) => setParams({ group: event.currentTarget.value })}>
        <option value="">nothing</option>
        <AttributeOptions paths={paths} chosen={group} />
      </select>
    </label>
  );
}

function OnlyDiffering({ baseline, checked }: { baseline: RunRow; checked: boolean }) {
  return (
    <label>
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => setParams({ differing: event.currentTarget.checked ? "1" : "" })}
      />
      Only settings that differ from {baseline.name}
    </label>
  );
}
