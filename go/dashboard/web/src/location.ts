import { signal } from "@preact/signals";

/** The path of the address. Links within the site change it without loading. */
export const location = signal(window.location.pathname);

/** The query of the address. */
export const search = signal(window.location.search);

/** Follows the address after it was changed. */
export function look(): void {
  location.value = window.location.pathname;
  search.value = window.location.search;
}

/** Goes to a page of the site; `back` says whether the browser goes back to this one. */
export function navigate(href: string, { back }: { back: boolean } = { back: true }): void {
  if (back) window.history.pushState(null, "", href);
  else window.history.replaceState(null, "", href);
  look();
  window.scrollTo(0, 0);
}

/** Whether a link leads to another part of the page it is on. */
function isWithinPage({ hash, pathname, search }: HTMLAnchorElement): boolean {
  const here = window.location;
  return hash !== "" && pathname === here.pathname && search === here.search;
}

window.addEventListener("popstate", look);

document.addEventListener("click", (event) => {
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!plain || event.button !== 0 || !link || link.origin !== window.location.origin) return;
  if (link.hasAttribute("download") || isWithinPage(link)) return;
  event.preventDefault();
  navigate(link.href);
});
