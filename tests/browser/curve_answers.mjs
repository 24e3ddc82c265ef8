// Which runs the answers to questions for curves hold, read off their bytes.

import { createRequire } from "node:module";

const require = createRequire(new URL("../../go/dashboard/web/package.json", import.meta.url));
const { BinaryReader } = require("@bufbuild/protobuf/wire");

// Numbers of fields, see protos/metrana/views/v1/series_buckets.proto.
const OUTCOMES = 1;
const RESPONSE = 1;
const CURVES = 1;
const UNCHANGED_RUNS = 6;
const IDENTITY = 1;
const RUN = 1;

/** Every value of a field that holds bytes, as `read` gives it. */
function* fieldOf(message, wanted, read) {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === wanted) yield reader[read]();
    else reader.skip(type);
  }
}

function runsOf(answer) {
  const identities = [...fieldOf(answer, CURVES, "bytes")].flatMap((curve) => [...fieldOf(curve, IDENTITY, "bytes")]);
  return {
    runs: identities.flatMap((identity) => [...fieldOf(identity, RUN, "string")]),
    unchanged: [...fieldOf(answer, UNCHANGED_RUNS, "string")],
  };
}

/** The answers that a batch holds. */
const inBatch = (batch) => [...fieldOf(batch, OUTCOMES, "bytes")].flatMap((outcome) => [...fieldOf(outcome, RESPONSE, "bytes")]);

/** Keeps of each answer about curves from now on, alone or in a batch, the runs of its curves and those it leaves out. */
export function watchCurves(page) {
  const answers = [];
  page.on("response", (response) => {
    const rpc = new URL(response.url()).pathname.split("/").at(-1);
    if (rpc === "BucketSeries") answers.push(response.body().then((answer) => [runsOf(answer)]));
    if (rpc === "BatchBucketSeries") answers.push(response.body().then((batch) => inBatch(batch).map(runsOf)));
  });
  return { answers: async () => (await Promise.all(answers)).flat() };
}
