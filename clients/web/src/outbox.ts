/** Reports on their way: kept in this browser, signed, until the service has acknowledged them. */

import { computed, signal } from "@preact/signals";
import { call, NoLink, Refused } from "./api";
import { type Key } from "./keys";
import { type Why, why } from "./parts";
import { named, photograph } from "./photographs";
import { type Draft, issue } from "./records";
import { session } from "./session";
import { forget, keep, keptAll } from "./store";

export interface Entry {
  draft: Draft;
  agency: string;
  handle?: string; // none where it was kept before officers were told apart here
  signed: string;
  signedWith: string; // kid
  key?: Key["jwk"];
  photos?: Blob[]; // not sent yet: the record names them by the hash of what the service keeps of them
  begun?: string | undefined; // the upload that the first of them is sent in
  state: "waiting" | "accepted" | "refused";
  why?: Why | undefined;
  receipt?: { receipt: string };
  at: string;
  accepted?: string; // when, by this device
}

const all = signal<Entry[]>([]);
const own = ({ agency, handle }: Entry): boolean =>
  agency === session.value?.agency && (handle ?? session.value.handle) === session.value.handle;

/** Those of the officer who is signed in: a computer may be shared, and nobody signs for another. */
export const entries = computed(() => all.value.filter(own));
/** How many of other officers wait here. */
export const others = computed(() => all.value.filter((entry) => entry.state === "waiting" && !own(entry)).length);

let sending = Promise.resolve();
let again = 0; // the timer of the next attempt
const PAUSE = 10_000; // ms: not every link that returns says so
const PASSING = ["too-many-uploads", "offset-mismatch"]; // what may be right at the next attempt, though it says 409

const KEPT = 7 * 86_400_000; // ms that an accepted report stays, for its receipt: the service has it, and a device is lost

export async function load(): Promise<void> {
  all.value = (await keptAll<Entry>("outbox")).sort((a, b) => b.at.localeCompare(a.at));
}

/** Forget own reports that were accepted a week ago; one that does not say when is taken for accepted now. */
async function tidy(): Promise<void> {
  const now = Date.now();
  for (const entry of entries.value.filter(({ state }) => state === "accepted")) {
    if (!entry.accepted) await keep("outbox", nameOf(entry.draft), { ...entry, accepted: new Date(now).toISOString() });
    else if (Date.parse(entry.accepted) < now - KEPT) await forget("outbox", nameOf(entry.draft));
  }
  await load();
}

/** Keep a report, signed now, and send it as soon as there is a link. */
export async function put(draft: Draft, photos: Blob[] = []): Promise<void> {
  const current = session.value;
  if (!current) return;
  const { agency, handle } = current;
  const entry: Entry = { draft, agency, handle, signed: "", signedWith: "", photos, state: "waiting", at: new Date().toISOString() };
  await save(await signed(entry));
  await flush();
}

/** Signed by the key of this sign-in: that of an earlier one has ended with it. */
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
  sending = sending.catch(() => undefined).then(sendAll).finally(() => {
    if (waiting().length > 0) again = setTimeout(() => void flush(), PAUSE);
  });
  return sending;
}

const waiting = (): Entry[] => entries.value.filter(({ state }) => state === "waiting");

async function sendAll(): Promise<void> {
  for (const entry of waiting().reverse()) if (!(await sent(entry))) return;
}

/** Whether to go on: without a link, a sign-in, or leave to ask so much, the rest waits too. */
async function sent(entry: Entry): Promise<boolean> {
  if (!session.value) return false;
  let current = entry;
  const note = async (changed: Partial<Entry>): Promise<void> => save((current = { ...current, ...changed }));
  try {
    for (const photo of entry.photos ?? []) {
      const sha256 = await photograph(photo, current.begun, (begun) => note({ begun }));
      const draft = { ...current.draft, facets: named(current.draft.facets, sha256) };
      await note(await signed({ ...current, draft, begun: undefined, photos: current.photos?.slice(1) ?? [] }));
    }
    if (current.signedWith !== session.value.records.kid) current = await signed(current);
    const receipt = await call<{ receipt: string }>("POST", "/v1/seizures", { text: current.signed, type: "application/sd-jwt" });
    await note({ state: "accepted", accepted: new Date().toISOString(), why: undefined, receipt });
  } catch (fault) {
    if (fault instanceof NoLink || (fault instanceof Refused && [401, 429].includes(fault.status))) return false;
    await note({ state: hopeless(fault) ? "refused" : "waiting", why: why(fault) });
  }
  return true;
}

function hopeless(fault: unknown): boolean {
  if (!(fault instanceof Refused) || fault.status >= 500 || fault.status === 408) return false;
  return !PASSING.some((kind) => fault.problem.type.endsWith(`/${kind}`));
}

async function save(entry: Entry): Promise<void> {
  await keep("outbox", nameOf(entry.draft), entry);
  await load();
}

addEventListener("online", () => void flush());
session.subscribe((current) => void (current && load().then(tidy).then(flush, flush)));
