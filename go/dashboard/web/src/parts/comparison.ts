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
