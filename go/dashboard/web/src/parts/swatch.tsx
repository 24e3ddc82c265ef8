/** A dot of a colour, and in words what has it. */
export function Swatch({ colour, title }: { colour: string; title?: string }) {
  return (
    <svg class="dot" width="10" height="10" role="img" aria-label={title} aria-hidden={!title}>
      {title && <title>{title}</title>}
      <circle cx="5" cy="5" r="5" fill={colour} />
    </svg>
  );
}
