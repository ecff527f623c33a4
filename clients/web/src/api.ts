/** Calls of the service, signed by the keys of this sign-in. A refusal is thrown as the problem it is (RFC 9457). */

import { signal } from "@preact/signals";
import { type Bytes } from "./encoding";
import { session, signedOut } from "./session";
import { signedHeaders } from "./signing";

export const purpose = signal(localStorage.getItem("purpose") ?? "operational");
purpose.subscribe((value) => localStorage.setItem("purpose", value));

/** As of when the oldest answer of this view is; nothing where each is as of the moment in which it was given. */
export const asOf = signal<string | undefined>(undefined);
export const anew = (): void => {
  asOf.value = undefined;
};
addEventListener("hashchange", anew);
purpose.subscribe(anew);

/** What the service refuses, and why (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  detail: string;
  pointer?: string;
}

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.detail);
  }
}

export class NoLink extends Error {}

interface Call {
  body?: unknown;
  text?: string;
  bytes?: Bytes; // of a file
  type?: string;
  purposeful?: boolean;
  accept?: string;
}

export async function call<T>(method: string, path: string, given: Call = {}): Promise<T> {
  const response = await send(method, path, given);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** An answer that is no JSON. */
export const text = async (path: string, accept: string): Promise<string> => (await send("GET", path, { purposeful: true, accept })).text();

export const get = <T>(path: string) => call<T>("GET", path, { purposeful: true });

async function send(method: string, path: string, given: Call): Promise<Response> {
  const body = given.bytes ?? given.text ?? (given.body === undefined ? undefined : JSON.stringify(given.body));
  const url = new URL(path, location.origin).href;
  const headers: Record<string, string> = given.accept ? { accept: given.accept } : {};
  const current = session.value;
  if (current) {
    const stated = given.purposeful ? { purpose: purpose.value } : {};
    const type = given.type ?? (given.bytes && "application/octet-stream");
    const content = body === undefined ? {} : { body, ...(type ? { type } : {}) };
    Object.assign(headers, await signedHeaders(current.requests, { method, url, ...content, ...stated }));
  } else if (body !== undefined) {
    headers["content-type"] = "application/json";
  }
  let response: Response;
  try {
    response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
  } catch {
    throw new NoLink();
  }
  const moment = response.headers.get("sarhad-as-of");
  if (moment && moment < (asOf.value ?? "9")) asOf.value = moment;
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({ type: "", title: response.statusText, detail: "" }));
  if (response.status === 401 && current) await signedOut();
  throw new Refused(response.status, problem);
}
