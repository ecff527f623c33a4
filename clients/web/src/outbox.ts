/** Reports on their way: kept in this browser, signed, until the service has acknowledged them. */

import { signal } from "@preact/signals";
import { call, NoLink, Refused } from "./api";
import { type Key } from "./keys";
import { type Draft, issue } from "./records";
import { named, photograph } from "./photographs";
import { session } from "./session";
import { forget, keep, keptAll } from "./store";

export interface Entry {
  draft: Draft;
  agency: string;
  signed: string;
  signedWith: string; // kid
  key?: Key["jwk"];
  photos?: Blob[]; // not sent yet: the record names them by the hash of what the service keeps of them
  state: "waiting" | "accepted" | "refused";
  why?: string;
  receipt?: { receipt: string };
  at: string;
}

export const entries = signal<Entry[]>([]);
let sending = Promise.resolve();
let again = 0; // the timer of the next attempt
const PAUSE = 10_000; // ms: not every link that returns says so

export async function load(): Promise<void> {
  entries.value = (await keptAll<Entry>("outbox")).sort((a, b) => b.at.localeCompare(a.at));
}

/** Keep a report, signed now, and send it as soon as there is a link. */
export async function put(draft: Draft, photos: Blob[] = []): Promise<void> {
  const current = session.value;
  if (!current) return;
  const entry: Entry = { draft, agency: current.agency, signed: "", signedWith: "", photos, state: "waiting", at: new Date().toISOString() };
  await save(await signed(entry));
  await flush();
}

/** Signed by the key of this sign-in: another's key has ended with the sign-in it was made for. */
async function signed(entry: Entry): Promise<Entry> {
  const key = session.value?.records;
  if (!key) return entry;
  return { ...entry, signed: await issue(key, entry.draft), signedWith: key.kid, key: key.jwk };
}

export const nameOf = ({ id, version }: Draft): string => (version ? `${id}.${version}` : id);

export const discard = async ({ draft }: Entry): Promise<void> => {
  await forget("outbox", nameOf(draft));
  await load();
};

/** Send what waits, one after another. The same report twice is one report: its reference and its bytes say so. */
export function flush(): Promise<void> {
  clearTimeout(again);
  sending = sending.then(sendAll).finally(() => {
    if (entries.value.some(mine)) again = setTimeout(() => void flush(), PAUSE);
  });
  return sending;
}

const mine = ({ state, agency }: Entry): boolean => state === "waiting" && agency === session.value?.agency;

async function sendAll(): Promise<void> {
  for (const entry of [...entries.value].reverse()) {
    if (mine(entry) && !(await sent(entry))) return;
  }
}

/** Whether to go on: without a link, and without a sign-in, the rest waits too. */
async function sent(waiting: Entry): Promise<boolean> {
  let entry = waiting;
  if (!session.value) return false;
  try {
    for (const photo of [...(entry.photos ?? [])]) {
      const facets = named(entry.draft.facets, await photograph(photo));
      entry = await signed({ ...entry, draft: { ...entry.draft, facets }, photos: entry.photos?.slice(1) ?? [] });
      await save(entry);
    }
    if (entry.signedWith !== session.value.records.kid) entry = await signed(entry);
    const receipt = await call<{ receipt: string }>("POST", "/v1/seizures", { text: entry.signed, type: "application/sd-jwt" });
    await save({ ...entry, state: "accepted", receipt });
  } catch (fault) {
    const hopeless = fault instanceof Refused && fault.status < 500 && ![401, 408, 429].includes(fault.status);
    if (hopeless) await save({ ...entry, state: "refused", why: `${fault.problem.title} ${fault.problem.detail}` });
    else if (fault instanceof NoLink || fault instanceof Refused) return false;
    else throw fault;
  }
  return true;
}

async function save(entry: Entry): Promise<void> {
  await keep("outbox", nameOf(entry.draft), entry);
  await load();
}

addEventListener("online", () => void flush());
