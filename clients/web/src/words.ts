/** The words of the page in the language of its reader: gettext catalogues, packed at build with CLDR data. */

import { signal } from "@preact/signals";
import labels from "./generated/labels.json";

interface Pack {
  messages: Record<string, string>;
  months: string[];
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
export const languages = Object.keys(packs)
  .map((path) => path.replace(/^.*\/(\w+)\.json$/, "$1"))
  .map((code) => ({ code, name: NAMES[code] ?? code }));

export async function speak(code: string): Promise<void> {
  const load = packs[`./generated/locales/${code}.json`];
  if (!load) return;
  pack.value = (await load()).default;
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
  const said = pack.value?.messages[message] || message;
  return said.replace(/\{(\w+)\}/g, (_, name: string) => String(given[name] ?? ""));
}

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
  const name = pack.value?.months[Number(month) - 1] ?? month;
  return [day && String(Number(day)), name, year, time].filter(Boolean).join(" ");
}

type List = Record<string, Record<string, string>>;

/** The label of a code of `schemas/codes`, in Russian where Russian is spoken and in English elsewhere. */
export function label(list: string, code: string): string {
  const [en, ru] = (labels as unknown as Record<string, List>)[list]?.[code] as unknown as [string, string] ?? [code, code];
  return language.value === "ru" ? ru : en;
}

export const codes = (list: string): string[] => Object.keys((labels as unknown as Record<string, List>)[list] ?? {});
