import { signal } from "@preact/signals";

/** The path of the address. Links within the site change it without loading. */
export const location = signal(window.location.pathname);

window.addEventListener("popstate", () => {
  location.value = window.location.pathname;
});

document.addEventListener("click", (event) => {
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!plain || event.button !== 0 || !link || link.origin !== window.location.origin) return;
  event.preventDefault();
  window.history.pushState(null, "", link.href);
  location.value = window.location.pathname;
  window.scrollTo(0, 0);
});
