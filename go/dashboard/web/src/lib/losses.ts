import { formatCount } from "./format";

/** The points of a run that did not arrive. */
export interface RunLosses {
  /** By the server: late ones, and those that no axis can hold. */
  refused: number;
  /** By clients. */
  dropped: number;
}

/** In a few words how many are lost, and why. */
export function lossText({ refused, dropped }: RunLosses): { short: string; long: string } {
  const why = [
    ...(dropped > 0 ? [`${formatCount(dropped)} dropped by the client`] : []),
    ...(refused > 0 ? [`${formatCount(refused)} refused by the server`] : []),
  ];
  return { short: `${formatCount(refused + dropped)} lost`, long: `Points: ${why.join(", ")}` };
}
