/** What the page of trends asks: the filters in its address, and from them the question of each figure. */

import { go, route, settle } from "../route";

export const FILTERS = ["from", "to", "substance", "country", "admin1", "owner", "bbox"] as const;
/** How the answers are shown. */
export const VIEW = ["measure", "compare", "level", "unit", "map", "resolution", "over", "relation", "points", "at", "play"] as const;
export type Filter = (typeof FILTERS)[number];
export type Measure = "seizures" | "kg";
export type Asked = Record<string, string>;

export const asked = (): Asked => Object.fromEntries(route.value.query);

export const measured = (): Measure => (route.value.query.get("measure") === "kg" ? "kg" : "seizures");

export const only = (names: readonly string[], of: Asked): Asked => Object.fromEntries(names.flatMap((name) => (of[name] ? [[name, String(of[name])]] : [])));

/** A route of the trends under the filters of the page, but for those that the figure is there to choose. */
export function filtered(route: string, given: Asked = {}, without: Filter[] = [], over: Asked = asked()): string {
  const kept = only(FILTERS.filter((name) => !without.includes(name)), over);
  const asks = new URLSearchParams({ ...given, ...kept }).toString();
  return `/v1/${route}${asks && `?${asks}`}`; // an address with nothing behind its "?" is signed as another one
}

/** The same question by another dimension. */
export const question = (by: string, without: Filter[] = [], more: Asked = {}, over: Asked = asked()): string =>
  filtered("trends", { by, measure: "seizures,kg", ...more }, without, over);

/** What figures are compared with: there is a period before one with both ends, and a usual before a first month. */
export function compared({ compare, from, to } = asked()): "previous" | "norm" | "" {
  if (compare === "norm") return from ? "norm" : "";
  return compare === "previous" && from && to ? "previous" : "";
}

export const change = (given: Asked): void => go("trends", { ...asked(), ...given });

/** What a figure does by itself: where the map is moved to. */
export const settled = (given: Asked): void => settle("trends", { ...asked(), ...given });

/** Choose a value; the chosen one again lets it go. */
export const pick = (name: Filter, value: string): void => change({ [name]: asked()[name] === value ? "" : value });

/** Let all filters go; how they are shown stays. */
export const clear = (): void => change(Object.fromEntries(FILTERS.map((name) => [name, ""])));

/** "2025-12" → "2026-01". */
export function monthAfter(month: string, by = 1): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  const index = year * 12 + number - 1 + by;
  return `${Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, "0")}`;
}

export function monthsFrom(first: string, last: string): string[] {
  const found = [];
  for (let month = first; month <= last; month = monthAfter(month)) found.push(month);
  return found;
}
