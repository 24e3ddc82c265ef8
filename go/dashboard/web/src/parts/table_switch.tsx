import type { Signal } from "@preact/signals";
import "../styles/number_table.css";

/** Shows a chart of something as a table, and back. */
export function TableSwitch({ of, on }: { of: string; on: Signal<boolean> }) {
  return (
    <button
      type="button"
      class="table-switch"
      aria-pressed={on.value}
      aria-label={`${of} as table`}
      onClick={() => {
        on.value = !on.value;
      }}
    >
      Table
    </button>
  );
}
