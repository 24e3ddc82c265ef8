import type { ComponentChildren } from "preact";
import type { Answer } from "../ask";
import { failureText } from "../lib/failure_text";

/** What a part of a page shows of an answer: it stays, dimmed, while the next one is on its way. */
export function AnswerState<T>({
  of,
  children,
}: {
  of: Answer<T>;
  children: (value: T) => ComponentChildren;
}) {
  return (
    <div class={of.loading ? "answer loading" : "answer"} aria-busy={of.loading}>
      {of.failure !== null && (
        <p class="note failed" role="alert">
          {of.value === null ? "Not shown" : "Not up to date"}: {failureText(of.failure)}{" "}
          <button type="button" onClick={of.again}>
            Try again
          </button>
        </p>
      )}
      {of.value !== null && children(of.value)}
      {of.value === null && of.loading && (
        <p class="note" role="status">
          Loading…
        </p>
      )}
    </div>
  );
}
