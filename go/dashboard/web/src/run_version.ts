import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type RunName, readAttributes } from "./server";

/** How often a run is looked at for news, in milliseconds: its pages go over all episodes. */
const PERIOD = 5000;

/**
 * A number that grows when a run took something in since its page was opened. Pages that
 * sum up a whole run ask again when it does, so that a finished run is asked about once.
 */
export function useRunVersion({ workspace, project, run }: RunName): Signal<number> {
  const version = useSignal(0);
  useEffect(() => {
    const gone = new AbortController();
    let known: string | null = null;
    // What came while the page asked for the first time may be missing from its answers.
    let again = false;
    const look = async () => {
      if (document.visibilityState !== "visible") return;
      try {
        const attributes = await readAttributes({ workspace, project, run }, gone.signal);
        const modified = attributes.get("sys/modification_time");
        const now = modified instanceof Date ? modified.toISOString() : "";
        if (known !== null && (again || now !== known)) version.value++;
        again = known === null && attributes.get("sys/status") === "RUNNING";
        known = now;
      } catch {
        // Nothing new is known of it; the page's own questions say what is wrong.
      }
    };
    void look();
    const timer = setInterval(() => void look(), PERIOD);
    return () => {
      clearInterval(timer);
      gone.abort();
    };
  }, [workspace, project, run]);
  return version;
}
