import { filterError } from "../lib/filter_error";

/** Conditions to begin with. */
export const FILTER_EXAMPLES = [
  "attr(config/lr) < 0.001",
  'attr(sys/tags) CONTAINS "baseline" AND attr(sys/status) == "CLOSED"',
  'loss():last <= 0.5 OR attr(sys/name) ~= "seed-[0-3]"',
  'return(scale="EPISODE"):last > 200',
];

/** Why a condition was not taken: the place where it goes wrong, and conditions that are right. */
export function FilterFailure({ message, filter }: { message: string; filter: string }) {
  const error = filterError(message, filter);
  return (
    <div class="note" role="alert">
      {error && (
        <pre class="filter-error">
          {error.before}
          <mark>{error.after || " "}</mark>
        </pre>
      )}
      <p class="failed">{message}</p>
      <p>Conditions look like these:</p>
      <FilterExamples />
    </div>
  );
}

/** Conditions to begin with, as a list. */
export function FilterExamples() {
  return (
    <ul>
      {FILTER_EXAMPLES.map((example) => (
        <li key={example}>
          <code>{example}</code>
        </li>
      ))}
    </ul>
  );
}
