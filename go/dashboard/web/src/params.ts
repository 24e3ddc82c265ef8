import { type ReadonlySignal, useComputed } from "@preact/signals";
import { look, search } from "./location";

// The state of a view lives in the query of the address.

/** How a value stands in an address. */
export interface Codec<T> {
  parse(text: string): T;
  /** Empty: the parameter is left out. */
  format(value: T): string;
}

/** Plain text. */
export const TEXT: Codec<string> = { parse: (text) => text, format: (value) => value };

/** A parameter of the address as a signal; `parse` is given an empty text without it. */
export function useParam<T>(name: string, codec: Codec<T>): ReadonlySignal<T> {
  return useComputed(() => codec.parse(new URLSearchParams(search.value).get(name) ?? ""));
}

/** Changes parameters of the address, in place; empty ones go. */
export function setParams(changes: Record<string, string>): void {
  const params = new URLSearchParams(window.location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "") params.delete(name);
    else params.set(name, value);
  }
  const text = params.toString();
  const query = text === "" ? "" : `?${text}`;
  window.history.replaceState(null, "", `${window.location.pathname}${query}`);
  look();
}
