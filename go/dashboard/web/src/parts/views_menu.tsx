import { lazyPage } from "../lazy_page";
import type { ProjectRoute } from "../lib/saved_views";
import { Menu } from "./menu";

const SavedViews = lazyPage(async () => (await import("./saved_views")).SavedViews);

/** The saved views of a project, asked for whenever the menu is opened. */
export function ViewsMenu({ route }: { route: ProjectRoute }) {
  return (
    <Menu title="Views" class="saved-views">
      {(close) => <SavedViews route={route} onOpen={close} />}
    </Menu>
  );
}
