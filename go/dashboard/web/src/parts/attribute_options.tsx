import { columnTitle } from "../lib/run_columns";

/** What the server says of runs by which they may be told apart. */
const OF_THE_SERVER = ["sys/tags", "sys/status", "sys/experiment/name"];

interface Props {
  paths: readonly string[];
  /** Also offered: the path that an address has. */
  chosen: string;
}

/** The attributes that runs may be put together by, to choose from. */
export function AttributeOptions({ paths, chosen }: Props) {
  const logged = paths.filter((path) => !path.startsWith("sys/"));
  const offered = new Set([...OF_THE_SERVER, ...logged, ...(chosen === "" ? [] : [chosen])]);
  return (
    <>
      {[...offered].map((path) => (
        <option key={path} value={path}>
          {columnTitle({ kind: "attribute", path })}
        </option>
      ))}
    </>
  );
}
