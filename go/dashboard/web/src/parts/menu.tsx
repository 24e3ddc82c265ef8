import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { useElsewhere } from "../elsewhere";

interface Props {
  title: string;
  /** What readers that cannot see it are told. */
  label?: string;
  class?: string;
  /** Made when the menu is opened; may close it. */
  children: (close: () => void) => ComponentChildren;
}

/** A button that opens something below it, until Escape or a click elsewhere. */
export function Menu({ title, label, class: kind = "", children }: Props) {
  const menu = useRef<HTMLDetailsElement>(null);
  const open = useSignal(false);
  const close = () => {
    if (menu.current) menu.current.open = false;
  };
  useElsewhere(menu, close);
  const pressed = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    close();
    menu.current?.querySelector("summary")?.focus();
  };
  return (
    <details
      class="menu"
      ref={menu}
      onKeyDown={pressed}
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary class="button" aria-label={label}>
        {title}
      </summary>
      <div class={`menu-body ${kind}`}>{open.value && children(close)}</div>
    </details>
  );
}
