import type { ComponentChild } from "preact";
import { formatCount } from "../lib/format";
import "../styles/number_table.css";

/** How many rows are made at most. */
const MOST_ROWS = 500;

interface Props {
  /** What kind of table it is, for the stylesheet. */
  kind: string;
  /** What readers that cannot see it are told. */
  label: string;
  /** What rows are named by, then their numbers. */
  head: readonly string[];
  rows: Iterable<readonly ComponentChild[]>;
  /** How many rows there are. */
  total: number;
  /** Where all rows are, when these are too many. */
  elsewhere?: string;
}

/** The numbers of a chart as a table, which is scrolled with the keyboard as well. */
export function NumberTable({ kind, label, head, rows, total, elsewhere = "" }: Props) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled with the keyboard
    <section class={`number-table ${kind}`} tabIndex={0} aria-label={label}>
      <table>
        <thead>
          <tr>
            {head.map((title, i) => (
              <th key={title} scope="col" class={i === 0 ? "" : "number"}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {first(rows, MOST_ROWS).map(([name, ...cells], place) => (
            <tr key={place}>
              <th scope="row">{name}</th>
              {cells.map((cell, i) => (
                <td key={head[i + 1]} class="number">
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {total > MOST_ROWS && (
        <p class="faint">
          The first {MOST_ROWS} of {formatCount(total)} rows{elsewhere}.
        </p>
      )}
    </section>
  );
}

function first<T>(all: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  for (const one of all) {
    if (taken.length === count) break;
    taken.push(one);
  }
  return taken;
}
