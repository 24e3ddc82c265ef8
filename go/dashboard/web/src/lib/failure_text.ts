/** What is to be done about failures, by the code that a message begins with. */
const ADVICE: Record<string, string> = {
  not_found: "It may have been deleted, or the address names it wrongly.",
  unavailable: "Is the server running, and reachable from here?",
  deadline_exceeded: "Ask for less: fewer runs, or a narrower filter.",
  resource_exhausted: "Ask for less: fewer runs, or a narrower filter.",
};

/** Browsers say no more than such words when nobody answers. */
const NOBODY = /^(Failed to fetch|Load failed|NetworkError)/i;

/** A failure in words for a page: what went wrong, and what to do about it. */
export function failureText(message: string): string {
  const [, code = "", said = message] = message.match(/^\[([a-z_]+)\] (.*)$/s) ?? [];
  const silent = NOBODY.test(said);
  const what = silent ? `the server does not answer (${said})` : said;
  const advice = ADVICE[silent ? "unavailable" : code];
  return advice === undefined ? `${what}.` : `${what}. ${advice}`;
}
