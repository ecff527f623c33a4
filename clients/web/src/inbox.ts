/** What others did that concerns this agency: how much of it waits, and where in the console each thing is. */

import { signal } from "@preact/signals";
import { call, get } from "./api";
import { type Page } from "./pages";
import { href } from "./route";
import { holds } from "./session";

export interface Notice {
  id: string;
  kind: string;
  subject: string; // a path of the service
  from: string | null; // a country; null: the service itself
  facts: Record<string, unknown>;
  at: string;
  acknowledged_at: string | null;
}

export interface Inbox extends Page<Notice> {
  open: number;
}

export const READERS = ["analyst", "reporter", "laboratory", "policy_officer", "coordinator"];
export const open = signal(0);

/** How many notices wait, for the menu; without a link it stays what it was. */
export async function count(): Promise<void> {
  if (holds(...READERS)) await get<Inbox>("/v1/inbox?limit=1&state=open").then((found) => (open.value = found.open), () => undefined);
}

export async function takeNote(id: string): Promise<void> {
  await call("POST", `/v1/inbox/${id}/acknowledgement`);
  await count();
}

const VIEWS: Record<string, string> = { requests: "request", recalls: "recall", alerts: "alert", seizures: "record", records: "record" };

/** The address of what a notice is about, where the console shows it. */
export function address({ subject }: Notice): string | null {
  const [, , kind = "", id = ""] = subject.split(/[/?]/);
  if (kind === "links") return href("laboratory/links", subject.includes("?") ? Object.fromEntries(new URLSearchParams(subject.split("?")[1])) : {});
  if (kind === "questions") return href("trends");
  const view = VIEWS[kind];
  return view ? href(`${view}/${id}`) : null;
}
