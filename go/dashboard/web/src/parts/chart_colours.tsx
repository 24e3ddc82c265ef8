import { useAnswer } from "../ask";
import type { RunColours } from "../run_colours";
import { listRunPaths, type ProjectName } from "../server/runs";
import { ColourField } from "./colour_field";
import { ColourLegend } from "./colour_legend";

const NO_TAGS: readonly string[] = [];

/** What the runs of charts are coloured by, and which value has which colour. */
export function ChartColours({ of, colours }: { of: ProjectName; colours: RunColours }) {
  const { workspace, project } = of;
  const paths = useAnswer((signal) => listRunPaths(of, signal), [workspace, project]).value.value;
  const { by, values, texts } = colours;
  return (
    <div class="chart-settings">
      <ColourField paths={paths ?? []} tags={NO_TAGS} />
      {by && <ColourLegend by={by} values={values} texts={texts} />}
    </div>
  );
}
