import { useEffect, useRef } from "preact/hooks";

/** Acts when the pointer is pressed anywhere but on an element. */
export function useElsewhere(element: { current: Node | null }, act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const pressed = ({ target }: Event) => {
      if (target instanceof Node && !element.current?.contains(target)) latest.current();
    };
    document.addEventListener("pointerdown", pressed);
    return () => document.removeEventListener("pointerdown", pressed);
  }, []);
}
