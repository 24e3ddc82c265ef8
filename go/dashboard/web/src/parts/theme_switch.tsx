import { useSignal, useSignalEffect } from "@preact/signals";

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];
const KEPT_AS = "metrana-theme";

/** Light, dark, or what the system has; kept in this browser. */
export function ThemeSwitch() {
  const theme = useSignal<Theme>(kept());
  useSignalEffect(() => {
    if (theme.value === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
    localStorage.setItem(KEPT_AS, theme.value);
  });
  return (
    <label class="theme">
      <span class="hidden">Colours</span>
      <select
        value={theme.value}
        onChange={(event) => {
          theme.value = THEMES.find((t) => t === event.currentTarget.value) ?? "auto";
        }}
      >
        {THEMES.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

function kept(): Theme {
  const value = localStorage.getItem(KEPT_AS);
  return THEMES.find((t) => t === value) ?? "auto";
}
