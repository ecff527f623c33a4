/** Names of substances and divisions, asked for once, when a figure first shows their codes. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get } from "./api";
import { countryName, label, t, written } from "./words";

type Named = { name: string; name_ru: string | null };

const COUNTRIES = ["country", "owner", "origin", "transit", "destination"];
const known = signal<Record<string, Named>>({});
const wanted = new Set<string>();

/** What an entry is called for this reader: of every entry an English name is known, of some a Russian one. */
export const nameOf = ({ name, name_ru }: Named): string => (written() === "ru" && name_ru) || name;

/** What a key of a dimension is called; the code itself until its name is known. */
export function called(dimension: string, key: string | null | undefined): string {
  if (key === null || key === undefined) return t("not shared with you");
  if (key === "") return t("not stated");
  if (COUNTRIES.includes(dimension)) return key.split(">").map(countryName).join(" → ");
  if (dimension === "certainty") return label("route_certainties", key);
  const found = known.value[key];
  return found ? nameOf(found) : key;
}

export function useNames(dimension: string, keys: (string | null | undefined)[]): void {
  useEffect(() => {
    for (const key of keys) if (key) void learn(dimension, key);
  }, [dimension, keys.join()]);
}

async function learn(dimension: string, key: string): Promise<void> {
  const about = dimension === "admin1" ? key.slice(0, 2) : key;
  if (!["substance", "admin1"].includes(dimension) || wanted.has(about)) return;
  wanted.add(about);
  try {
    const found = await (dimension === "admin1" ? divisions(about) : substance(about));
    known.value = { ...known.value, ...found }; // as it is by now: several names are learned at once
  } catch {
    wanted.delete(about); // the code stands for the name until there is a link again
  }
}

async function divisions(country: string): Promise<Record<string, Named>> {
  const { items } = await get<{ items: (Named & { admin1: string | null })[] }>(`/v1/places?country=${country}`);
  return Object.fromEntries(items.flatMap((one) => (one.admin1 ? [[one.admin1, one]] : [])));
}

const substance = async (code: string): Promise<Record<string, Named>> => ({
  [code]: await get<Named>(`/v1/substances/${code}`),
});
