import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { setParams } from "../params";
import type { RunNames } from "../server/curves";
import { PanelEdge } from "./panel_edge";
import { RunCharts } from "./run_charts";

interface Props {
  names: RunNames;
  title: string;
  /** How others come instead. */
  hint: string;
  /** In percent of what it is in. */
  width: number;
  /** Where they are a page of their own. */
  href: string;
  /** The run whose row the pointer is on; null: none. */
  pointed: ReadonlySignal<string | null>;
}

/** The charts of a table's runs, beside it. */
export function ChartsPanel({ names, title, hint, width, href, pointed }: Props) {
  const place = useRef<HTMLElement>(null);
  const dragged = useSignal<number | null>(null);
  const shown = dragged.value ?? width;
  return (
    <>
      <PanelEdge
        width={shown}
        onDrag={(next) => {
          dragged.value = next;
        }}
        onWidth={(next) => {
          dragged.value = null;
          setParams({ panel: String(next) });
        }}
      />
      <section
        class="charts-panel"
        ref={place}
        tabIndex={-1}
        aria-label="Charts"
        style={{ flexBasis: `${shown}%` }}
      >
        {names.runs.length > 0 && (
          <RunCharts
            names={names}
            heading={<h2>{title}</h2>}
            tools={
              <>
                <a class="button" href={href}>
                  As a page
                </a>
                {hint !== "" && <span class="faint">{hint}</span>}
              </>
            }
            beside={{ place, pointed }}
          />
        )}
      </section>
    </>
  );
}
