import type { Value } from "../server";

/** What the user and the configuration said of a run, by path. */
export function Attributes({ all }: { all: Map<string, Value> }) {
  const shown = [...all].filter(([path]) => !path.startsWith("sys/"));
  if (shown.length === 0) return null;
  return (
    <section>
      <h2>Configuration</h2>
      <table class="attributes">
        <tbody>
          {shown.map(([path, value]) => (
            <tr key={path}>
              <th scope="row">{path}</th>
              <td>{textOf(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function textOf(value: Value): string {
  if (value instanceof Date) return value.toISOString();
  return Array.isArray(value) ? value.join(", ") : String(value);
}
