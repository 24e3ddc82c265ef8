interface Props {
  title: string;
  column: string;
  sort: string;
  descending: boolean;
  numeric?: boolean;
  /** Whether a first click puts the greatest on top; without, of numbers. */
  greatestFirst?: boolean;
  /** What the column is of, where its title does not say it. */
  note?: string | undefined;
  onSort: (column: string, descending: boolean) => void;
}

/** A column's head that sorts by it. */
export function SortHeader({
  title,
  column,
  sort,
  descending,
  numeric = false,
  greatestFirst = numeric,
  note,
  onSort,
}: Props) {
  const active = sort === column;
  const order = descending ? "descending" : "ascending";
  return (
    <th scope="col" class={numeric ? "number" : ""} aria-sort={active ? order : "none"}>
      <button
        type="button"
        class="sort"
        title={note}
        onClick={() => onSort(column, active ? !descending : greatestFirst)}
      >
        {title}
        <span aria-hidden="true">{active ? (descending ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}
