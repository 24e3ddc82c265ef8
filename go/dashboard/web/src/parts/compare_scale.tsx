import { numberOf } from "../lib/episode_filter";
import { formatValue } from "../lib/format";
import {
  formatScales,
  formatScaling,
  type Normalisation,
  type Scale,
  type Scaling,
  scaleName,
  scalingTitle,
  withScale,
} from "../lib/normalisation";
import { setParams } from "../params";

/** How many scales have fields at most. */
const MOST_FIELDS = 200;

interface ChoiceProps {
  chosen: Scaling;
  /** Attributes that may tell tasks apart. */
  runPaths: readonly string[];
  environmentPaths: readonly string[];
  /** Whether a sample is an environment. */
  ofEnvironments: boolean;
}

/** Chooses what has a scale of its own; the address keeps it. */
export function ScaleChoice(props: ChoiceProps) {
  const chosen = formatScaling(props.chosen);
  const offered = offeredBy(props);
  const other = offered.some((scaling) => formatScaling(scaling) === chosen) ? [] : [props.chosen];
  return (
    <label>
      Scale
      <select
        value={chosen}
        onChange={(event) => setParams({ normalise: event.currentTarget.value, scales: "" })}
      >
        {[...offered, ...other].map((scaling) => (
          <option key={formatScaling(scaling)} value={formatScaling(scaling)}>
            {scalingTitle(scaling)}
          </option>
        ))}
      </select>
    </label>
  );
}

function offeredBy({ runPaths, environmentPaths, ofEnvironments }: ChoiceProps): Scaling[] {
  return [
    { by: "none" },
    { by: "all" },
    ...(ofEnvironments ? [{ by: "environment" } as const] : []),
    ...environmentPaths.map((path) => ({ by: "environment attribute", path }) as const),
    ...runPaths.map((path) => ({ by: "run attribute", path }) as const),
  ];
}

interface FieldsProps {
  normalisation: Normalisation;
  /** Those of the figure, with both ends; none before there is one. */
  known: readonly Scale[];
}

/** What is 0 and what is 1 on each scale, to be changed by typing. */
export function ScaleFields({ normalisation, known }: FieldsProps) {
  const { scales } = normalisation;
  if (normalisation.by === "none") return null;
  const names = [...new Set([...known, ...scales].map((scale) => scale.of))];
  const change = (of: string, end: Partial<Scale>) =>
    setParams({ scales: formatScales(withScale(scales, of, end)) });
  return (
    <details class="hand">
      <summary>
        {names.length} {names.length === 1 ? "scale" : "scales"}: what is 0, and what is 1
      </summary>
      <div class="hand-runs">
        {names.slice(0, MOST_FIELDS).map((of) => {
          const whose = normalisation.by === "all" ? "all" : scaleName(of);
          const given = scales.find((scale) => scale.of === of);
          const used = known.find((scale) => scale.of === of);
          return (
            <div key={of} class="scale">
              <span>{whose}</span>
              <EndField
                label={`What is 0 of ${whose}`}
                given={given?.low ?? null}
                used={used?.low ?? null}
                onChange={(low) => change(of, { low })}
              />
              <EndField
                label={`What is 1 of ${whose}`}
                given={given?.high ?? null}
                used={used?.high ?? null}
                onChange={(high) => change(of, { high })}
              />
            </div>
          );
        })}
      </div>
      {names.length > MOST_FIELDS && (
        <p class="note">
          The first {MOST_FIELDS} of {names.length} scales.
        </p>
      )}
    </details>
  );
}

interface EndProps {
  label: string;
  given: number | null;
  /** What the figure has there. */
  used: number | null;
  onChange: (end: number | null) => void;
}

function EndField({ label, given, used, onChange }: EndProps) {
  return (
    <input
      type="number"
      step="any"
      value={given ?? ""}
      placeholder={used === null ? "" : formatValue(used)}
      aria-label={label}
      onChange={(event) => onChange(numberOf(event.currentTarget.value))}
    />
  );
}
