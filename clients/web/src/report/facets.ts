/** The facets of a report from what stands in its form; what the form does not ask for stays as it was. */

import { type Facets, instant, now } from "../records";
import { type Point } from "./place";
import { type Found } from "./substance";

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

export interface Carried {
  mode: string;
  concealment?: string[];
  images?: string[];
}

export const first = (facets: Facets): Line | undefined => (facets["items"] as Line[] | undefined)?.[0];

export function facetsOf({ given, substance, point }: Written, reference: string, country: string, language: string, before: Facets = {}): Facets {
  const text = (name: string) => String(given.get(name) ?? "").trim();
  const moment = String(before["when.instant"] ?? "");
  const [, ...others] = (before["items"] ?? []) as Line[];
  const { concealment: _hidden, ...transport } = (before["transport"] ?? {}) as Carried;
  const told = before["narrative"] as { text?: string } | undefined;
  const moved = JSON.stringify(point) !== JSON.stringify(before["where.point"] ?? null);
  const { "where.point": _point, "where.cell": _cell, "where.admin1": _admin1, ...kept } = before;
  return {
    ...(moved ? kept : before),
    reference,
    reported: instant(now()),
    "when.instant": moment.slice(0, 16) === text("when") ? moment : instant(text("when")),
    "where.country": country,
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
    transport: { ...transport, mode: text("mode"), ...(text("concealment") ? { concealment: [text("concealment")] } : {}) },
    narrative: text("narrative") === (told?.text ?? "") ? told : text("narrative") ? { text: text("narrative"), language } : undefined,
  };
}
