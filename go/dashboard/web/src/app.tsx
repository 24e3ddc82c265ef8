import { useEffect } from "preact/hooks";
import { lazyPage } from "./lazy_page";
import { formatNames, parseNames } from "./lib/episode_filter";
import { pageTitle } from "./lib/page_title";
import { hrefOf, parseRoute, type Route } from "./lib/route";
import { location } from "./location";
import { ProjectsPage } from "./pages/projects";
import { RunsPage } from "./pages/runs";
import { type Codec, TEXT, useParam } from "./params";
import { KeyHelp } from "./parts/key_help";
import { ThemeSwitch } from "./parts/theme_switch";
import { ViewsMenu } from "./parts/views_menu";

// The lists of projects and runs come with the shell, the other pages when they are shown.
const RunPage = lazyPage(async () => (await import("./pages/run")).RunPage);
const ChartsPage = lazyPage(async () => (await import("./pages/charts")).ChartsPage);
const ComparePage = lazyPage(async () => (await import("./pages/compare")).ComparePage);
const EpisodePage = lazyPage(async () => (await import("./pages/episode")).EpisodePage);
const EpisodesPage = lazyPage(async () => (await import("./pages/episodes")).EpisodesPage);
const DeliveryPage = lazyPage(async () => (await import("./pages/delivery")).DeliveryPage);
const EnvironmentsPage = lazyPage(
  async () => (await import("./pages/environments")).EnvironmentsPage,
);

const RUNS: Codec<string[]> = { parse: parseNames, format: formatNames };

/** Every page: the way back on top, the page of the address below. */
export function App() {
  const route = parseRoute(location.value);
  const title = pageTitle(route);
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="/">
          <img src="/icon.svg" alt="" width="22" height="22" />
          Metrana
        </a>
        <Breadcrumbs route={route} />
        <div class="top-tools">
          {"project" in route && <ViewsMenu route={route} />}
          <KeyHelp />
          <ThemeSwitch />
        </div>
      </header>
      <RunNav route={route} />
      <main id="content" tabIndex={-1}>
        <Page route={route} />
      </main>
    </>
  );
}

function Breadcrumbs({ route }: { route: Route }) {
  if (route.page === "projects" || route.page === "unknown") return null;
  const { workspace, project } = route;
  return (
    <nav aria-label="Breadcrumbs">
      <span class="crumb">{workspace}</span>
      <a class="crumb" href={hrefOf({ page: "runs", workspace, project })}>
        {project}
      </a>
      {route.page !== "runs" && (
        <a class="crumb" href={hrefOf({ ...route, page: "run" })}>
          {route.run}
        </a>
      )}
      {route.page !== "runs" && route.page !== "run" && (
        <span class="crumb" aria-current="page">
          {route.page}
        </span>
      )}
    </nav>
  );
}

const RUN_NAV = [
  ["run", "Overview"],
  ["charts", "Charts"],
  ["environments", "Environments"],
  ["episodes", "Episodes"],
  ["delivery", "Delivery"],
] as const;

/** The pages of a run. */
function RunNav({ route }: { route: Route }) {
  if (!("run" in route)) return null;
  const here = route.page === "episode" ? "episodes" : route.page;
  return (
    <nav class="run-nav" aria-label="Pages of the run">
      {RUN_NAV.map(([page, title]) => (
        <a
          key={page}
          href={hrefOf({ ...route, page })}
          aria-current={here === page ? "page" : undefined}
        >
          {title}
        </a>
      ))}
    </nav>
  );
}

function Page({ route }: { route: Route }) {
  const screen = useParam("screen", TEXT).value;
  switch (route.page) {
    case "projects":
      return <ProjectsPage />;
    case "runs":
      if (screen === "compare") return <ComparePage key={hrefOf(route)} {...route} />;
      if (screen === "charts") return <ProjectCharts key={hrefOf(route)} {...route} />;
      return <RunsPage key={hrefOf(route)} {...route} />;
    case "run":
      return <RunPage key={hrefOf(route)} {...route} />;
    case "charts":
      return (
        <ChartsPage key={hrefOf(route)} title={route.run} names={{ ...route, runs: [route.run] }} />
      );
    case "environments":
      return <EnvironmentsPage key={hrefOf(route)} {...route} />;
    case "episodes":
      return <EpisodesPage key={hrefOf(route)} {...route} />;
    case "episode":
      return <EpisodePage key={hrefOf(route)} {...route} />;
    case "delivery":
      return <DeliveryPage key={hrefOf(route)} {...route} />;
    case "unknown":
      return (
        <p class="note">
          There is no page at this address. <a href="/">All projects</a>
        </p>
      );
  }
}

/** The charts of the runs that an address names. */
function ProjectCharts({ workspace, project }: { workspace: string; project: string }) {
  const runs = useParam("runs", RUNS).value;
  if (runs.length === 0) {
    return (
      <p class="note">
        The address names no runs.{" "}
        <a href={hrefOf({ page: "runs", workspace, project })}>Choose some</a>
      </p>
    );
  }
  return (
    <ChartsPage
      key={runs.join("\n")}
      title={`${runs.length} runs`}
      names={{ workspace, project, runs }}
    />
  );
}
