import type { Value } from "../server";
import { exactText } from "./exact_text";
import { columnTitle } from "./run_columns";

/** What runs have their colours by, where not each has one of its own. */
export interface ColourBy {
  path: string;
  /** Whether they have this tag; null: by the value at the path. */
  tag: string | null;
}

export const TAGS_PATH = "sys/tags";

/** In an address: by what the table is grouped by, whatever that is. */
export const BY_GROUP = ":group";
const BY_TAG = ":tag ";

/**
 * Reads what an address has: a path, `:tag NAME`, `:group`; null of an empty text.
 *
 * @param group The path that the table is grouped by; empty: none.
 */
export function parseColourBy(text: string, group: string): ColourBy | null {
  const path = text === BY_GROUP ? group : text;
  if (path === "") return null;
  if (!path.startsWith(BY_TAG)) return { path, tag: null };
  return { path: TAGS_PATH, tag: path.slice(BY_TAG.length) };
}

/** As an address has it, also where there are no groups. */
export function formatColourBy(by: ColourBy | null): string {
  if (by === null) return "";
  return by.tag === null ? by.path : `${BY_TAG}${by.tag}`;
}

/** What colours are by, in the words of a legend. */
export function colourByTitle({ path, tag }: ColourBy): string {
  return tag === null ? columnTitle({ kind: "attribute", path }) : "tag";
}

/** The text by which a run has its colour; empty where it has nothing of the kind. */
export function colouredText({ tag }: ColourBy, value: Value | undefined): string {
  if (tag === null) return exactText(value);
  return Array.isArray(value) && value.includes(tag) ? tag : "";
}
