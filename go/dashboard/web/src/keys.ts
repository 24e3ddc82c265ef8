import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { belongsTo } from "./lib/key_scope";

/** What keys do, by the name of the key. */
export type Keys = Record<string, () => void>;

/**
 * Acts on keys while a component is there, unless they are for what has the focus or a
 * dialog is open.
 *
 * @param within Keys are acted on only while the focus is in here, and then by nobody else.
 */
export function useKeys(keys: Keys, within?: RefObject<HTMLElement | null>): void {
  const latest = useRef(keys);
  latest.current = keys;
  // They act as soon as what they are for is seen.
  useLayoutEffect(() => {
    const on: GlobalEventHandlers = within?.current ?? document;
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
      const action = latest.current[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    on.addEventListener("keydown", pressed);
    return () => on.removeEventListener("keydown", pressed);
  }, []);
}

const CONTROLS = "input, select, textarea, button, summary, a, video";

function isTaken({ target, key, defaultPrevented }: KeyboardEvent): boolean {
  if (defaultPrevented || document.querySelector("dialog[open]")) return true;
  const control = target instanceof Element ? target.closest(CONTROLS) : null;
  if (!control) return false;
  const type = control instanceof HTMLInputElement ? control.type : "";
  return belongsTo({ tag: control.localName, type }, key);
}
