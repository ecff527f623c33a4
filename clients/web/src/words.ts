/** The words of the page in the language of its reader: gettext catalogues, packed at build with CLDR data. */

import { computed, signal } from "@preact/signals";
import labels from "./generated/labels.json";

interface Pack {
  reviewed: boolean; // by a member; else the words are a draft that no speaker in office has read
  messages: Record<string, string | string[]>;
  plural: string; // the plural form of 0 … 199, a digit each
  months: string[]; // with {y}
  days: string[]; // by month, with {y} and {d}
  decimal: string;
  group: string;
  countries: Record<string, string>;
}

const packs = import.meta.glob<{ default: Pack }>("./generated/locales/*.json");
const NAMES: Record<string, string> = {
  en: "English",
  ru: "Русский",
  kk: "Қазақша",
  ky: "Кыргызча",
  tg: "Тоҷикӣ",
  tk: "Türkmençe",
  uz: "Oʻzbekcha",
  az: "Azərbaycanca",
};

const pack = signal<Pack | null>(null);
export const language = signal("en");
export const drafted = computed(() => pack.value !== null && !pack.value.reviewed);
export const languages = Object.entries(NAMES)
  .filter(([code]) => `./generated/locales/${code}.json` in packs)
  .map(([code, name]) => ({ code, name }));
let asked = "";

export async function speak(code: string): Promise<void> {
  const load = packs[`./generated/locales/${code}.json`];
  if (!load) return;
  asked = code;
  const loaded = (await load()).default;
  if (asked !== code) return; // another was chosen since
  pack.value = loaded;
  language.value = code;
  localStorage.setItem("language", code);
  document.documentElement.lang = code;
}

/** The language chosen before, or the first that the browser asks for and the page speaks. */
export function preferred(): string {
  const known = new Set(languages.map(({ code }) => code));
  const asked = [localStorage.getItem("language"), ...navigator.languages.map((one) => one.slice(0, 2)), "en"];
  return asked.find((one) => one !== null && known.has(one)) ?? "en";
}

/** A message, with `{name}` replaced. The message in English is its own name, as in every gettext catalogue. */
export function t(message: string, given: Record<string, string | number> = {}): string {
  const said = pack.value?.messages[message];
  return filled(typeof said === "string" ? said : message, given);
}

/** A message about a number of things, `{n}`, in the plural form that this number takes in the language. */
export function counted(one: string, many: string, n: number, shown = String(n)): string {
  const forms = pack.value?.messages[one] ?? [one, many];
  const form = pack.value?.plural[n < 100 ? n : 100 + (n % 100)] ?? (n === 1 ? 0 : 1);
  return filled(forms[Number(form)] ?? many, { n: shown });
}

const filled = (said: string, given: Record<string, string | number>): string =>
  said.replace(/\{(\w+)\}/g, (_, name: string) => String(given[name] ?? ""));

/**
 * Guides, policies in words and names of substances are written in English and Russian only: who speaks another
 * language of the region reads them in Russian, which its services work in together.
 */
export const written = (): "en" | "ru" => (language.value === "en" ? "en" : "ru");

export const countryName = (code: string): string => pack.value?.countries[code] ?? code;

/** A decimal string as it is written here: never rounded, because what was reported stays as reported. */
export function number(decimal: string): string {
  const { decimal: point, group } = pack.value ?? { decimal: ".", group: " " };
  const [whole = "", fraction] = decimal.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, group);
  return fraction === undefined ? grouped : `${grouped}${point}${fraction}`;
}

/** "2026-03", "2026-03-14" or an instant as a person reads it, in the calendar and clock it was written in. */
export function when(text: string): string {
  const [, year, month, day, time] = /^(\d{4})-(\d\d)(?:-(\d\d))?(?:T(\d\d:\d\d))?/.exec(text) ?? [];
  if (!year || !month) return text;
  const pattern = (day ? pack.value?.days : pack.value?.months)?.[Number(month) - 1];
  if (!pattern) return text;
  const said = filled(pattern, { y: year, d: Number(day) });
  return time ? `${said} ${time}` : said;
}

type List = Record<string, Record<string, string>>;

/** The label of a code of `schemas/codes`: English and Russian stand there, other languages in their catalogues. */
export function label(list: string, code: string): string {
  const [en, ru] = (labels as unknown as Record<string, List>)[list]?.[code] as unknown as [string, string] ?? [code, code];
  return language.value === "ru" ? ru : t(en);
}

export const codes = (list: string): string[] => Object.keys((labels as unknown as Record<string, List>)[list] ?? {});
