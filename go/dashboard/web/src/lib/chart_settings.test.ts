import { expect, test } from "vitest";
import {
  type ChartSettings,
  DEFAULT_SETTINGS,
  formatOwn,
  formatSettings,
  parseOwn,
  parseSettings,
} from "./chart_settings";

const other: ChartSettings = {
  axis: "wall",
  value: "last",
  smoothing: { kind: "gaussian", amount: 3 },
  band: false,
  logX: true,
  logY: true,
  robust: true,
  inherited: true,
};

test("an address holds what differs, and gives it back", () => {
  expect(formatSettings(DEFAULT_SETTINGS, DEFAULT_SETTINGS)).toBe("");
  const text = formatSettings(other, DEFAULT_SETTINGS);
  expect(text).toBe("wall,last,gaussian=3,noband,logx,logy,robust,inherited");
  expect(parseSettings(text, DEFAULT_SETTINGS)).toEqual(other);
  // A chart of its own may be plain where the page is not.
  expect(parseSettings(formatSettings(DEFAULT_SETTINGS, other), other)).toEqual(DEFAULT_SETTINGS);
});

test("what makes no sense changes nothing", () => {
  expect(parseSettings("smooth=2,sideways,,smooth=x", other)).toEqual(other);
});

test("charts of any name have settings of their own", () => {
  const own = new Map([
    ["a;b~c/é ENV", "logy"],
    ["loss ML_STEP", "robust,last"],
  ]);
  expect(parseOwn(formatOwn(own))).toEqual(own);
  expect(parseOwn("%zz:logy;;x")).toEqual(new Map());
});
