/** The whole state of the view in the address: #/records?from=2026-01. Going back goes back. */

import { signal } from "@preact/signals";

export interface Route {
  view: string;
  id: string;
  query: URLSearchParams;
}

const read = (): Route => {
  const [path = "", query = ""] = location.hash.slice(2).split("?");
  const [view = "", id = ""] = path.split("/");
  // an id becomes a part of a path that is signed: none that leads elsewhere
  return { view, id: /^\w[\w.-]*$/.test(id) ? id : "", query: new URLSearchParams(query) };
};

export const route = signal(read());
addEventListener("hashchange", () => {
  route.value = read();
});

export const href = (view: string, query: Record<string, string> = {}): string => {
  const given = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return `#/${view}${given ? `?${given}` : ""}`;
};

/** Put into the address what changed by itself, without a step to go back to. */
export const settle = (view: string, query: Record<string, string>): void => {
  history.replaceState(null, "", href(view, query));
  route.value = read();
};

export const go = (view: string, query: Record<string, string> = {}): void => {
  location.hash = href(view, query);
};
