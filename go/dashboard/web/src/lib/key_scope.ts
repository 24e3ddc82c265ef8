/** What of an element decides which keys are its own. */
export interface KeyTarget {
  /** As in HTML, in small letters. */
  tag: string;
  /** Of an input; empty of all else. */
  type: string;
}

const PRESSED = ["button", "summary", "a"];
/** What browsers do in a video that has the focus. */
const OF_VIDEOS = [" ", "Enter", "Home", "End", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
/** Inputs that nobody writes into. */
const TICKED = ["checkbox", "radio", "button", "submit"];

/**
 * Whether a key is for the element that has the focus, and not for the page: all are
 * where one writes or chooses, Enter and space on what is pressed, those that move
 * about in it on a video.
 */
export function belongsTo({ tag, type }: KeyTarget, key: string): boolean {
  if (tag === "video") return OF_VIDEOS.includes(key);
  const pressed = PRESSED.includes(tag) || (tag === "input" && TICKED.includes(type));
  return pressed ? key === "Enter" || key === " " : true;
}
