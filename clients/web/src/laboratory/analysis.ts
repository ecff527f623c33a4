/** An analysis as it is written: the facets of its record, with empty strings where nothing is said yet. */

import { type Facets, instant, now, withLadders } from "../records";
import { country, session } from "../session";
import { type Entries, type Json, tidy } from "./sheet";

/** Part III B, table 1, editions 8.x; macroscopy and microscopy are of category B, for cannabis. The service checks it. */
const CATEGORIES: Record<string, string> = Object.fromEntries([
  ...["IRS", "MS", "NMR", "RAM", "XRD"].map((one) => [one, "A"]),
  ...["CE", "GC", "IMS", "LC", "MCT", "SFC", "TLC", "UVV", "MAC", "MIC"].map((one) => [one, "B"]),
  ...["COL", "FLU", "IMM", "MPT", "PHI"].map((one) => [one, "C"]),
]);
const EDITION = "8.2";

export const today = (): string => now().slice(0, 10);

export const category = (technique: string): string => CATEGORIES[technique] ?? "";

export const technique = (n: number, code: string, result = "POS"): Entries => ({
  n, technique: code, category: category(code), edition: EDITION, result, method: "",
});

export const exhibit = (n: number, number = ""): Entries => ({ n, number, received: today(), seals_intact: true });

export const finding = (line: number, techniques: number[]): Entries => ({
  line, exhibit: 1, reported: "", role: line === 1 ? "MAIN" : "ADULTERANT", level: "IDENTIFIED", techniques,
});

export const content = (line: number): Entries => ({ line, value: "", unit: "%", basis: "AS_BASE", uncertainty: "", k: "2" });

/** The commonest day: one exhibit, a colour test and GC-MS, one substance. What a laboratory says of itself is kept. */
export function blank(exhibitNumber = ""): Entries {
  return {
    reference: `${session.value?.agency.slice(3) ?? "LAB"}-${today().replaceAll("-", "")}-${crypto.randomUUID().slice(0, 4)}`,
    laboratory: {
      case: "",
      exhibits: [exhibit(1, exhibitNumber)],
      techniques: ["COL", "GC", "MS"].map((code, index) => technique(index + 1, code)),
      issued: today(),
      ...JSON.parse(localStorage.getItem("laboratory") ?? '{"accreditation":{"status":"UNK"}}'),
    },
    items: [finding(1, [1, 2, 3])],
    purity: [],
    marks: [],
    spectra: [],
  };
}

export function rememberLaboratory(entries: Entries): void {
  const { accreditation, proficiency } = entries["laboratory"] as Entries;
  localStorage.setItem("laboratory", JSON.stringify({ accreditation, proficiency }));
}

/** The facets that these entries make. Who received an exhibit from whom is in its number. */
export async function facetsOf(entries: Entries): Promise<Facets> {
  const told = (tidy(entries) ?? {}) as Facets;
  const laboratory = told["laboratory"] as { issued?: string; exhibits?: Entries[] } | undefined;
  for (const one of laboratory?.exhibits ?? []) one["received_from"] = String(one["number"] ?? "").split("/")[0] ?? "";
  for (const one of (told["purity"] ?? []) as Entries[]) if (!one["uncertainty"]) delete one["k"]; // a factor of nothing
  const narrative = told["narrative"];
  return withLadders({
    ...told,
    ...(typeof narrative === "string" ? { narrative: { text: narrative, language: document.documentElement.lang || "en" } } : {}),
    reported: instant(now()),
    "when.day": laboratory?.issued,
    "where.country": country(),
  });
}

const DERIVED = ["reported", "when.instant", "when.day", "when.month", "where.country"];

/** The entries that made these facets, to be corrected. What this sheet has no field for stays as it was. */
export function entriesOf(facets: Facets): Entries {
  const kept = Object.fromEntries(Object.entries(facets).filter(([name]) => !DERIVED.includes(name))) as Entries;
  const copy = structuredClone(kept);
  for (const name of ["analyst", "reviewer", "review"]) delete (copy["laboratory"] as Entries)[name];
  for (const name of ["purity", "marks", "spectra"]) copy[name] ??= [];
  const narrative = copy["narrative"] as { text?: string } | undefined;
  return narrative?.text === undefined ? copy : { ...copy, narrative: narrative.text };
}

export const next = (rows: Json | undefined, name: string): number =>
  Math.max(0, ...((rows ?? []) as Entries[]).map((row) => Number(row[name]))) + 1;
