import type { Value } from "../server";

/** The tags of a run. */
export function Tags({ value }: { value: Value | undefined }) {
  if (!Array.isArray(value)) return null;
  return (
    <>
      {value.map((tag) => (
        <span key={tag} class="tag">
          {tag}
        </span>
      ))}
    </>
  );
}
