import { type AxisName, parseAxis } from "./axis";
import { formatSmoothing, parseSmoothing, type Smoothing } from "./smoothing";

/** How charts are drawn. */
export interface ChartSettings {
  axis: AxisName;
  value: "mean" | "last";
  smoothing: Smoothing;
  band: boolean;
  logX: boolean;
  logY: boolean;
  /** Whether the y range leaves a few values out that are far away. */
  robust: boolean;
  /** Whether forked runs have the points of their parents, too. */
  inherited: boolean;
}

export const DEFAULT_SETTINGS: ChartSettings = {
  axis: "step",
  value: "mean",
  smoothing: { kind: "ema", amount: 0 },
  band: true,
  logX: false,
  logY: false,
  robust: false,
  inherited: false,
};

/**
 * Settings as an address has them: what differs from others, comma-separated, as
 * `update,last,smooth=0.9,noband,logx,logy,robust,inherited`; smoothing.ts and metric_axis.ts say
 * how they write themselves.
 */
export function formatSettings(settings: ChartSettings, from: ChartSettings): string {
  const parts: string[] = [];
  if (settings.axis !== from.axis) parts.push(settings.axis);
  if (settings.value !== from.value) parts.push(settings.value);
  const smoothing = formatSmoothing(settings.smoothing);
  if (smoothing !== formatSmoothing(from.smoothing)) parts.push(smoothing);
  if (settings.band !== from.band) parts.push(settings.band ? "band" : "noband");
  if (settings.logX !== from.logX) parts.push(settings.logX ? "logx" : "linearx");
  if (settings.logY !== from.logY) parts.push(settings.logY ? "logy" : "lineary");
  if (settings.robust !== from.robust) parts.push(settings.robust ? "robust" : "all");
  if (settings.inherited !== from.inherited) parts.push(settings.inherited ? "inherited" : "own");
  return parts.join(",");
}

/** Reads what differs; what makes no sense changes nothing. */
export function parseSettings(text: string, from: ChartSettings): ChartSettings {
  const settings = { ...from };
  for (const part of text.split(",")) {
    switch (part) {
      case "mean":
      case "last":
        settings.value = part;
        break;
      case "band":
      case "noband":
        settings.band = part === "band";
        break;
      case "logx":
      case "linearx":
        settings.logX = part === "logx";
        break;
      case "logy":
      case "lineary":
        settings.logY = part === "logy";
        break;
      case "robust":
      case "all":
        settings.robust = part === "robust";
        break;
      case "inherited":
      case "own":
        settings.inherited = part === "inherited";
        break;
      default:
        readOther(settings, part);
    }
  }
  return settings;
}

function readOther(settings: ChartSettings, part: string): void {
  const smoothing = parseSmoothing(part);
  if (smoothing) {
    settings.smoothing = smoothing;
  } else if (part !== "" && (part === "step" || parseAxis(part) !== "step")) {
    settings.axis = parseAxis(part);
  }
}

/** What charts have of their own, by key of the chart, as one text of an address. */
export function formatOwn(own: ReadonlyMap<string, string>): string {
  return [...own]
    .filter(([, text]) => text !== "")
    .map(([key, text]) => `${encodeURIComponent(key)}:${text}`)
    .join(";");
}

/** Reads what formatOwn writes. */
export function parseOwn(text: string): Map<string, string> {
  const own = new Map<string, string>();
  for (const part of text.split(";")) {
    const [key, settings] = part.split(":");
    if (!key || !settings) continue;
    try {
      own.set(decodeURIComponent(key), settings);
    } catch {
      // not percent-encoding: an address that somebody typed
    }
  }
  return own;
}
