import { useEffect, useRef } from "preact/hooks";
import { belongsTo } from "./lib/key_scope";

/** What keys do, by the name of the key. */
export type Keys = Record<string, () => void>;

/**
 * Acts on keys while a component is there, unless they are for what has the focus or a
 * dialog is open.
 */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
      const action = latest.current[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}

const CONTROLS = "input, select, textarea, button, summary, a, video";

function isTaken({ target, key }: KeyboardEvent): boolean {
  if (document.querySelector("dialog[open]")) return true;
  const control = target instanceof Element ? target.closest(CONTROLS) : null;
  if (!control) return false;
  const type = control instanceof HTMLInputElement ? control.type : "";
  return belongsTo({ tag: control.localName, type }, key);
}
