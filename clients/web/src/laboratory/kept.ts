/** Analyses on their way: drafts that wait for their review, and what became of them. Kept in this browser. */

import { signal } from "@preact/signals";
import { call, Refused } from "../api";
import { type Key } from "../keys";
import { type Why } from "../parts";
import { type Facets } from "../records";
import { session } from "../session";
import { forget, keep, keptAll } from "../store";
import { complete, type Draft, isOf, prepare, type Version } from "./draft";

export interface Entry {
  draft: Draft;
  facets: Facets;
  at: string;
  state: "waiting" | "accepted" | "refused";
  why?: Why;
  signed?: string;
  key?: Key["jwk"];
  receipt?: { receipt: string };
}

export const entries = signal<Entry[]>([]);

export async function load(): Promise<void> {
  const mine = (await keptAll<Entry>("analyses")).filter(({ draft }) => draft.payload.iss === session.value?.agency);
  entries.value = mine.sort((a, b) => b.at.localeCompare(a.at));
}

const name = ({ payload }: Draft): string => `${payload.jti} ${payload.ver}`;

async function save(entry: Entry): Promise<void> {
  await keep("analyses", name(entry.draft), entry);
  await load();
}

export async function discard(entry: Entry): Promise<void> {
  await forget("analyses", name(entry.draft));
  await load();
}

/** Fixed for review under this sign-in's key, and kept. */
export async function put(facets: Facets, version: Version, reviewer: string): Promise<void> {
  const current = session.value;
  if (!current) return;
  const draft = await prepare(facets, version, current.records.kid, reviewer);
  await save({ draft, facets, at: new Date().toISOString(), state: "waiting" });
}

/** Drafted under a key of this browser that still signs. */
export const signable = ({ draft }: Entry): boolean => draft.laboratory["analyst"] === session.value?.records.kid;

/** Take in reviews, and file what they are of. How many there were of drafts that wait here. */
export async function takeIn(text: string): Promise<number> {
  const reviews = text.split(/\s+/).filter(Boolean);
  let taken = 0;
  for (const entry of entries.value.filter((one) => one.state === "waiting" && signable(one))) {
    for (const review of reviews) {
      if (!(await isOf(review, entry.draft))) continue;
      taken += 1;
      await file(entry, review);
    }
  }
  return taken;
}

async function file(entry: Entry, review: string): Promise<void> {
  const current = session.value;
  if (!current) return;
  const signed = entry.signed ?? (await complete(current.records, entry.draft, review));
  await save({ ...entry, signed }); // sent again as it is, where the link breaks: the same bytes are the same record
  const { jti, ver } = entry.draft.payload;
  const path = ver === 1 ? "/v1/analyses" : `/v1/analyses/${jti}/versions`;
  try {
    const receipt = await call<{ receipt: string }>("POST", path, { text: signed, type: "application/sd-jwt" });
    await save({ ...entry, state: "accepted", signed, key: current.records.jwk, receipt });
  } catch (fault) {
    if (!(fault instanceof Refused) || fault.status >= 500 || [401, 408, 429].includes(fault.status)) throw fault;
    await save({ ...entry, state: "refused", why: fault.problem });
  }
}
