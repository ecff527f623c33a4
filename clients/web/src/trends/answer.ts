/** Answers of /v1/trends, and what the silence of a country means in a period. Pure, but for the words. */

import { number } from "../words";
import { type Measure, monthAfter } from "./question";

export interface Amounts {
  seizures: number;
  kg: string;
  kg_exact: string;
  kg_converted: string;
  n_unconvertible: number;
  pct_confirmed: string | null;
}

/** Of a unit's own periods of three years: their median, how they spread, how many spreads off it is now. */
export interface Norm {
  median: number;
  spread: number;
  score: number | null;
  periods: number;
}

export interface Cell extends Amounts {
  key: Record<string, string | null>; // null: not disclosed, empty: not stated
  previous?: Amounts | null; // of the period before, where it was asked for
  norm?: Norm; // of the unit itself, where it was asked for
}

export interface Owner {
  owner: string;
  shares: boolean;
  reported: [string, string][];
  zero: [string, string][];
}

export interface Answer {
  by: string[];
  cells: Cell[];
  total: Amounts | null;
  policy: string;
  caveats: string[];
  coverage: { owners: Owner[] };
}

export const amount = (of: Amounts, measure: Measure): number => (measure === "kg" ? Number(of.kg) : of.seizures);

export const said = (of: Amounts, measure: Measure): string =>
  measure === "kg" ? `${number(of.kg)} kg` : number(String(of.seizures));

/** "+20 %" since the period before; empty where there is nothing to take a share of. */
export function change(of: Cell, measure: Measure): string {
  const before = of.previous ? amount(of.previous, measure) : 0;
  const percent = before ? Math.round((100 * (amount(of, measure) - before)) / before) : 0;
  return before ? `${percent > 0 ? "+" : percent < 0 ? "−" : "±"}${Math.abs(percent)} %` : "";
}

export const ranked = (cells: Cell[], measure: Measure): Cell[] =>
  [...cells].sort((a, b) => amount(b, measure) - amount(a, measure));

/** Three silences that must not look alike, and their opposite. */
export type State = "reported" | "zero" | "silent" | "unshared";

const touches = (ranges: [string, string][], from: string, to: string): boolean =>
  ranges.some(([first, last]) => (!from || last >= from) && (!to || first < to));

/** Of a country in the months [from, to); an empty bound is none. */
export function stateOf(owner: Owner | undefined, from: string, to: string): State {
  if (!owner?.shares) return "unshared";
  if (touches(owner.reported, from, to)) return "reported";
  return touches(owner.zero, from, to) ? "zero" : "silent";
}

/** Of several countries at once: what any of them has said goes before what the others have not. */
export const together = (states: State[]): State =>
  (["reported", "zero", "silent"] as const).find((state) => states.includes(state)) ?? "unshared";

export const stateIn = (owner: Owner, month: string): State => stateOf(owner, month, monthAfter(month));

/** The last month that a country said anything about; empty where it never did. */
export const lastReported = (owner: Owner): string =>
  [...owner.reported, ...owner.zero].map(([, last]) => last).sort().at(-1) ?? "";

/** From the first to the last month of anything: empty where there is none. */
export function span(owners: Owner[]): [string, string] | null {
  const ranges = owners.flatMap(({ reported, zero }) => [...reported, ...zero]);
  const first = ranges.map(([begin]) => begin).sort()[0];
  const last = ranges.map(([, end]) => end).sort().at(-1);
  return first && last ? [first, last] : null;
}
