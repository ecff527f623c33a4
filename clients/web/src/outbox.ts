/** Reports on their way: kept in this browser, signed, until the service has acknowledged them. */

import { signal } from "@preact/signals";
import { call, NoLink, Refused } from "./api";
import { type Draft, issue } from "./records";
import { session } from "./session";
import { forget, keep, keptAll } from "./store";

export interface Entry {
  draft: Draft;
  agency: string;
  signed: string;
  signedWith: string; // kid
  state: "waiting" | "accepted" | "refused";
  why?: string;
  receipt?: unknown;
  at: string;
}

export const entries = signal<Entry[]>([]);
let sending = Promise.resolve();

export async function load(): Promise<void> {
  entries.value = (await keptAll<Entry>("outbox")).sort((a, b) => b.at.localeCompare(a.at));
}

/** Keep a report, signed now, and send it as soon as there is a link. */
export async function put(draft: Draft): Promise<void> {
  const current = session.value;
  if (!current) return;
  const signed = await issue(current.records, draft);
  const at = new Date().toISOString();
  await save({ draft, agency: current.agency, signed, signedWith: current.records.kid, state: "waiting", at });
  await flush();
}

export const discard = async (id: string): Promise<void> => {
  await forget("outbox", id);
  await load();
};

/** Send what waits, one after another. The same report twice is one report: its reference and its bytes say so. */
export function flush(): Promise<void> {
  sending = sending.then(sendAll);
  return sending;
}

async function sendAll(): Promise<void> {
  for (const entry of [...entries.value].reverse()) {
    if (entry.state === "waiting" && entry.agency === session.value?.agency && !(await sent(entry))) return;
  }
}

/** Whether to go on: without a link, and without a sign-in, the rest waits too. */
async function sent(entry: Entry): Promise<boolean> {
  const current = session.value;
  if (!current) return false;
  if (entry.signedWith !== current.records.kid) {
    entry.signed = await issue(current.records, entry.draft); // its key ended with the sign-in it was signed in
    entry.signedWith = current.records.kid;
  }
  try {
    const receipt = await call("POST", "/v1/seizures", { text: entry.signed, type: "application/sd-jwt" });
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
  await keep("outbox", entry.draft.id, entry);
  await load();
}

addEventListener("online", () => void flush());
