import { useSignal } from "@preact/signals";
import { useKeys } from "../keys";
import { lazyPage } from "../lazy_page";

const KeyWindow = lazyPage(async () => (await import("./key_window")).KeyWindow);

/** A button, and `?`, that show what keys do. */
export function KeyHelp() {
  const open = useSignal(false);
  const show = () => {
    open.value = true;
  };
  useKeys({ "?": show });
  return (
    <>
      <button type="button" class="key-help" title="Keys ( ? )" aria-label="Keys" onClick={show}>
        ?
      </button>
      {open.value && (
        <KeyWindow
          onClose={() => {
            open.value = false;
          }}
        />
      )}
    </>
  );
}
