import { DEFAULT_SETTINGS, formatSettings, parseSettings } from "../lib/chart_settings";
import { setParams, TEXT, useParam } from "../params";

/** Whether forked runs are shown with what they have from their parents. */
export function InheritedSwitch({
  on,
  onChange,
}: {
  on: boolean;
  onChange: (on: boolean) => void;
}) {
  return (
    <label title="Forked runs with what they have from their parents">
      <input
        type="checkbox"
        checked={on}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      inherited
    </label>
  );
}

/** The switch of a page: the address keeps it where charts have it, so that links between pages do. */
export function useInherited(): [boolean, (on: boolean) => void] {
  const settings = parseSettings(useParam("view", TEXT).value, DEFAULT_SETTINGS);
  const change = (inherited: boolean) =>
    // Lists begin anew: they have other rows.
    setParams({
      view: formatSettings({ ...settings, inherited }, DEFAULT_SETTINGS),
      page: "",
      from: "",
    });
  return [settings.inherited, change];
}
