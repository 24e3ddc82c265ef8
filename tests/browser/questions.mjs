// What a page asks of its server, and when it has asked all.

/** How long a page that has been answered asks nothing more, in milliseconds. */
const QUIET = 500;

/** Follows what a page asks from now on. The stream of news, which stays open, is no question. */
export function watchQuestions(page) {
  const asked = [];
  const underWay = new Set();
  let changed = () => {};
  const isNews = (request) => /\/Tail(Project)?$/.test(request.url());
  page.on("request", (request) => {
    if (isNews(request)) return;
    asked.push(new URL(request.url()).pathname.split("/").at(-1));
    underWay.add(request);
    changed();
  });
  for (const end of ["requestfinished", "requestfailed"]) {
    page.on(end, (request) => underWay.delete(request) && changed());
  }
  return {
    /** The methods and files that were asked for, in order. */
    asked,
    /** Returns when all is answered and nothing more is asked for half a second. */
    quiet: () =>
      new Promise((resolve) => {
        let timer;
        changed = () => {
          clearTimeout(timer);
          if (underWay.size === 0) timer = setTimeout(resolve, QUIET);
        };
        changed();
      }),
  };
}

/** Returns when the stream of a page has said something more. */
export async function moreNews(page) {
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  await new Promise((resolve) => network.once("Network.dataReceived", resolve));
  await network.detach();
}
