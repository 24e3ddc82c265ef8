interface Props {
  title: string;
  column: string;
  sort: string;
  descending: boolean;
  numeric?: boolean;
  /** What the column is of, where its title does not say it. */
  note?: string | undefined;
  onSort: (column: string, descending: boolean) => void;
}

/** A column's head that sorts by it; numbers begin with the greatest. */
export function SortHeader({ title, column, sort, descending, numeric, note, onSort }: Props) {
  const active = sort === column;
  const order = descending ? "descending" : "ascending";
  return (
    <th scope="col" class={numeric ? "number" : ""} aria-sort={active ? order : "none"}>
      <button
        type="button"
        class="sort"
        title={note}
        onClick={() => onSort(column, active ? !descending : numeric === true)}
      >
        {title}
        <span aria-hidden="true">{active ? (descending ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}
