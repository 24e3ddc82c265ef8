import type { ComponentProps } from "preact";
import { lazyPage } from "../lazy_page";
import { Menu } from "./menu";

const ColumnChoices = lazyPage(async () => (await import("./column_choices")).ColumnChoices);

/** Chooses the columns of the table. */
export function ColumnPicker(props: ComponentProps<typeof ColumnChoices>) {
  return (
    <Menu title="Columns" class="column-picker">
      {() => <ColumnChoices {...props} />}
    </Menu>
  );
}
