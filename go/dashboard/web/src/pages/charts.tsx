import { useSignal } from "@preact/signals";
import { RunCharts } from "../parts/run_charts";
import type { RunNames } from "../server/curves";

/** The charts of runs: all metrics in sections, drawn where they are seen. */
export function ChartsPage({ title, names }: { title: string; names: RunNames }) {
  return <RunCharts names={names} heading={<h1>{title}</h1>} tools={<CopyLink />} />;
}

function CopyLink() {
  const copied = useSignal<boolean | null>(null);
  return (
    <button
      type="button"
      onClick={async () => {
        try {
          await navigator.clipboard.writeText(window.location.href);
          copied.value = true;
        } catch {
          copied.value = false;
        }
      }}
    >
      {copied.value === null && "Copy link"}
      {copied.value === true && "Link copied"}
      {copied.value === false && "Not allowed: copy the address instead"}
    </button>
  );
}
