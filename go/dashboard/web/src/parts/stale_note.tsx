/** Says that a page is not told of what becomes different, where that is so. */
export function StaleNote({ failure }: { failure: string | null }) {
  if (failure === null) return null;
  return (
    <p class="note failed" role="status">
      What is shown may be old: {failure} The server is asked again and again.
    </p>
  );
}
