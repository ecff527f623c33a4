/** The facets of a report from what stands in its form; what the form does not ask for stays as it was. */

import { type Facets, instant, now } from "../records";
import { type Point } from "./place";
import { type Found } from "../substances";

const TIMES = ["when.instant", "when.day", "when.month"] as const;
export type Time = (typeof TIMES)[number];

export interface Written {
  given: FormData;
  substance: { words: string; found: Found | null };
  point: Point | null;
}

export interface Line {
  line: number;
  substance?: string;
  reported: { substance: string; quantity: string; unit: string };
  status: string;
  exhibit?: string;
}

const NOT_KNOWN = "0"; // a mode of transport

export interface Carried {
  mode: string;
  concealment?: string[];
  images?: string[];
}

/** The finest time that a record has: a correction asks for no finer one. */
export const finest = (facets: Facets): Time => TIMES.find((time) => time in facets) ?? "when.instant";

/** As it was, where it is written as it was: a field holds no second and no offset. */
const timeOf = (time: Time, before: string, written: string): string =>
  before.slice(0, 16) === written ? before : time === "when.instant" ? instant(written) : written;

/** Nothing where nothing was said before and nothing is now. */
function transportOf(before: Carried | undefined, mode: string, concealment: string): Carried | undefined {
  const { concealment: [_first, ...rest] = [], ...others } = before ?? { mode: "" };
  const hidden = [concealment, ...rest].filter(Boolean);
  if (!before && !mode && hidden.length === 0) return undefined;
  return { ...others, mode: mode || NOT_KNOWN, ...(hidden.length > 0 && { concealment: hidden }) };
}

export const first = (facets: Facets): Line | undefined => (facets["items"] as Line[] | undefined)?.[0];

export function facetsOf({ given, substance, point }: Written, reference: string, country: string, language: string, before: Facets = {}): Facets {
  const text = (name: string) => String(given.get(name) ?? "").trim();
  const time = finest(before);
  const [, ...others] = (before["items"] ?? []) as Line[];
  const told = before["narrative"] as { text?: string } | undefined;
  const moved = JSON.stringify(point) !== JSON.stringify(before["where.point"] ?? null);
  const { "where.point": _point, "where.cell": _cell, "where.admin1": _admin1, ...kept } = before;
  return {
    ...(moved ? kept : before),
    reference,
    reported: instant(now()),
    [time]: timeOf(time, String(before[time] ?? ""), text("when")),
    "where.country": before["where.country"] ?? country,
    ...(point ? { "where.point": point } : {}),
    items: [
      {
        ...first(before),
        line: first(before)?.line ?? 1,
        substance: substance.found?.code,
        reported: { substance: substance.words, quantity: text("quantity").replace(",", "."), unit: text("unit") },
        status: text("status"),
        exhibit: text("exhibit") || undefined,
      },
      ...others,
    ],
    transport: transportOf(before["transport"] as Carried | undefined, text("mode"), text("concealment")),
    narrative: text("narrative") === (told?.text ?? "") ? told : text("narrative") ? { text: text("narrative"), language } : undefined,
  };
}
