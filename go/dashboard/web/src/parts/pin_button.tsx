import { useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  /** What it pins. */
  title: string;
  pinned: boolean;
  onToggle: () => void;
}

/** Pins a row of a list to its top, or takes that back. It keeps the focus where the row moves. */
export function PinButton({ title, pinned, onToggle }: Props) {
  const button = useRef<HTMLButtonElement>(null);
  const focused = button.current !== null && document.activeElement === button.current;
  useLayoutEffect(() => {
    // Browsers without moveBefore() take the focus from what is put elsewhere.
    if (focused) button.current?.focus({ preventScroll: true });
  });
  const does = pinned ? "Unpin" : "Pin";
  return (
    <button ref={button} type="button" aria-label={`${does} ${title}`} onClick={onToggle}>
      {does}
    </button>
  );
}
