/** What the page of trends asks: the filters in its address, and from them the question of each figure. */

import { go, route } from "../route";

export const FILTERS = ["from", "to", "substance", "country", "admin1", "owner", "bbox"] as const;
export type Filter = (typeof FILTERS)[number];
export type Measure = "seizures" | "kg";
export type Asked = Record<string, string>;

export const asked = (): Asked => Object.fromEntries(route.value.query);

export const measured = (): Measure => (route.value.query.get("measure") === "kg" ? "kg" : "seizures");

/** A route of the trends under the filters of the page, but for those that the figure is there to choose. */
export function filtered(route: string, given: Asked = {}, without: Filter[] = [], over: Asked = asked()): string {
  const kept = FILTERS.filter((name) => over[name] && !without.includes(name)).map((name) => [name, over[name] ?? ""]);
  return `/v1/${route}?${new URLSearchParams({ ...given, ...Object.fromEntries(kept) })}`;
}

/** The same question by another dimension. */
export const question = (by: string, without: Filter[] = [], more: Asked = {}, over: Asked = asked()): string =>
  filtered("trends", { by, measure: "seizures,kg", ...more }, without, over);

/** Whether the period before is asked for too: there is one where the period has both ends. */
export const compared = ({ compare, from, to } = asked()): boolean => Boolean(compare && from && to);

export const change = (given: Asked): void => go("trends", { ...asked(), ...given });

/** Choose a value; the chosen one again lets it go. */
export const pick = (name: Filter, value: string): void => change({ [name]: asked()[name] === value ? "" : value });

export const clear = (): void => {
  const { measure = "", map = "", over = "", compare = "", level = "" } = asked();
  go("trends", { measure, map, over, compare, level });
};

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
