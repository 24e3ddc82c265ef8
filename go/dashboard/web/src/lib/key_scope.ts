/** What of an element decides which keys are its own. */
export interface KeyTarget {
  /** As in HTML, in small letters. */
  tag: string;
  /** Of an input; empty of all else. */
  type: string;
}

const PRESSED = ["button", "summary", "a"];
/** Inputs that nobody writes into. */
const TICKED = ["checkbox", "radio", "button", "submit"];

/**
 * Whether a key is for the element that has the focus, and not for the page: all are
 * where one writes or chooses, Enter and space on what is pressed.
 */
export function belongsTo({ tag, type }: KeyTarget, key: string): boolean {
  const pressed = PRESSED.includes(tag) || (tag === "input" && TICKED.includes(type));
  return pressed ? key === "Enter" || key === " " : true;
}
