import type { ChartSettings } from "../lib/chart_settings";
import type { NamedMetric } from "../lib/metric_axis";
import {
  asKind,
  SMOOTHING_KINDS,
  SMOOTHINGS,
  type Smoothing,
  type SmoothingKind,
} from "../lib/smoothing";
import { AxisField } from "./axis_field";
import { InheritedSwitch } from "./inherited_switch";

type Switch = "band" | "logX" | "logY" | "robust";

/** What the runs of charts have that settings choose from. */
export interface SettingsChoices {
  /** Whether any of the runs has a parent. */
  forked: boolean;
  metrics: readonly NamedMetric[];
}

/** How charts are drawn, to be changed. */
export function SettingsForm({
  settings,
  choices,
  onChange,
}: {
  settings: ChartSettings;
  choices: SettingsChoices;
  onChange: (settings: ChartSettings) => void;
}) {
  const set = (change: Partial<ChartSettings>) => onChange({ ...settings, ...change });
  const toggle = (label: string, name: Switch, title: string) => (
    <label title={title}>
      <input
        type="checkbox"
        checked={settings[name]}
        onChange={(event) => set({ [name]: event.currentTarget.checked })}
      />
      {label}
    </label>
  );
  return (
    <div class="chart-settings">
      <AxisField
        axis={settings.axis}
        metrics={choices.metrics}
        onChange={(axis) => set({ axis })}
      />
      <SmoothingFields
        smoothing={settings.smoothing}
        onChange={(smoothing) => set({ smoothing })}
      />
      <label>
        Line
        <select
          value={settings.value}
          onChange={(event) =>
            set({ value: event.currentTarget.value === "last" ? "last" : "mean" })
          }
        >
          <option value="mean">mean</option>
          <option value="last">last</option>
        </select>
      </label>
      {toggle("min/max", "band", "The lowest and highest point of each stretch")}
      {toggle("log x", "logX", "A logarithmic axis; what is not positive is left out")}
      {toggle("log y", "logY", "A logarithmic axis; what is not positive is left out")}
      {toggle(
        "without outliers",
        "robust",
        "Leaves a few values out of the range that are far from the others",
      )}
      {choices.forked && (
        <InheritedSwitch on={settings.inherited} onChange={(inherited) => set({ inherited })} />
      )}
    </div>
  );
}

/** Which smoothing, and how much. */
function SmoothingFields({
  smoothing,
  onChange,
}: {
  smoothing: Smoothing;
  onChange: (smoothing: Smoothing) => void;
}) {
  const { kind, amount } = smoothing;
  const { explanation, most, step } = SMOOTHINGS[kind];
  return (
    <>
      <label>
        Smoothing
        <select
          value={kind}
          onChange={(event) =>
            onChange(asKind(smoothing, event.currentTarget.value as SmoothingKind))
          }
        >
          {SMOOTHING_KINDS.map((name) => (
            <option key={name} value={name}>
              {SMOOTHINGS[name].title}
            </option>
          ))}
        </select>
      </label>
      <label title={explanation}>
        <span class="hidden">{explanation}</span>
        <input
          type="range"
          min="0"
          max={most}
          step={step}
          value={amount}
          onInput={(event) => onChange({ kind, amount: Number(event.currentTarget.value) })}
        />
        <output>{amount}</output>
      </label>
    </>
  );
}
