import { GREY } from "../lib/colour";
import { coloursOf } from "../lib/run_colours";
import {
  type Band,
  PERCENTILES,
  type ProjectName,
  type Statistics,
  type StatisticsQuestion,
} from "../server/statistics";

/** What lies around an estimate, in words. */
export const BAND_TITLES: Record<Band, string> = {
  ci: "bootstrap 95 % interval",
  std: "± standard deviation",
  sem: "± standard error",
  percentiles: `${PERCENTILES[0]}th to ${PERCENTILES[1]}th percentile`,
  range: "least to greatest",
  none: "no band",
};

/** A metric as the server lists it. */
export interface Metric {
  metricName: string;
  scale: string;
}

/** What figures of a comparison show. */
export interface FiguresProps {
  of: ProjectName;
  metric: Metric;
  question: StatisticsQuestion;
  statistics: Statistics;
}

/** The colours of groups: by their names, so that most stay when a group joins. */
export function groupColours(groups: readonly { name: string }[]): (name: string) => string {
  const colours = coloursOf(groups.map(({ name }) => name));
  return (name) => colours.get(name) ?? GREY;
}
