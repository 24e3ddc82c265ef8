import { AXES, axisTitle, parseAxis } from "../lib/axis";
import type { ChartSettings } from "../lib/chart_settings";

/** How charts are drawn, to be changed. */
export function SettingsForm({
  settings,
  onChange,
}: {
  settings: ChartSettings;
  onChange: (settings: ChartSettings) => void;
}) {
  const set = (change: Partial<ChartSettings>) => onChange({ ...settings, ...change });
  const toggle = (label: string, name: "band" | "logX" | "logY" | "robust", title: string) => (
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
      <label>
        Along
        <select
          value={settings.axis}
          onChange={(event) => set({ axis: parseAxis(event.currentTarget.value) })}
        >
          {AXES.map((name) => (
            <option key={name} value={name}>
              {axisTitle(name)}
            </option>
          ))}
        </select>
      </label>
      <label title="Weight of what came before in an exponential moving average, without its bias at the beginning">
        Smoothing
        <input
          type="range"
          min="0"
          max="0.99"
          step="0.01"
          value={settings.smoothing}
          onInput={(event) => set({ smoothing: Number(event.currentTarget.value) })}
        />
        <output>{settings.smoothing}</output>
      </label>
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
    </div>
  );
}
