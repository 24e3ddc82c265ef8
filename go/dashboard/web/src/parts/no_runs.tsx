import { setParams } from "../params";
import { FilterExamples } from "./filter_failure";

/** What a table without rows says. */
export function NoRuns({ filter }: { filter: string }) {
  if (filter !== "") {
    return (
      <div class="note">
        <p>
          No run meets this condition.{" "}
          <button type="button" onClick={() => setParams({ filter: "" })}>
            Show all
          </button>
        </p>
        <p>Conditions look like these:</p>
        <FilterExamples />
      </div>
    );
  }
  return (
    <p class="note">
      This project has no runs that are not archived.{" "}
      <button type="button" onClick={() => setParams({ filter: "attr(sys/archived) == True" })}>
        Show those that are
      </button>
    </p>
  );
}
