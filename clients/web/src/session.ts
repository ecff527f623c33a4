/** Signing in and out: a passkey certifies two keys of this browser, which then sign like those of any agency. */

import { signal } from "@preact/signals";
import { call } from "./api";
import { jws, type Key, makeKey } from "./keys";
import { forget, keep, kept } from "./store";

export interface Session {
  agency: string;
  handle: string;
  roles: string[];
  until: string;
  requests: Key;
  records: Key;
}

interface Options {
  ticket: string;
  options: Record<string, unknown>;
}

export const session = signal<Session | null>(null);
export const country = (): string => session.value?.agency.slice(0, 2) ?? "";
export const holds = (...roles: string[]): boolean => roles.some((role) => session.value?.roles.includes(role));

/** The sign-in of an earlier visit, where it still holds. */
export async function resume(): Promise<void> {
  const found = await kept<Session>("session", "current");
  if (found && new Date(found.until) > new Date()) session.value = found;
  else if (found) await signedOut();
}

export async function enrol(code: string): Promise<void> {
  const asked = await call<Options>("POST", "/v1/sign-in/enrolments", { body: { code } });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked.options as never);
  const credential = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
  await call("POST", "/v1/sign-in/passkeys", { body: { code, ticket: asked.ticket, credential: credential.toJSON() } });
}

export async function signIn(): Promise<void> {
  const [requests, records] = await Promise.all([makeKey(), makeKey()]);
  const keys = { requests: requests.jwk, records: records.jwk };
  const asked = await call<Options>("POST", "/v1/sign-in/challenges", { body: keys });
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.options as never);
  const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
  const proofs = await Promise.all([
    proof(requests, "request-signing", asked.ticket),
    proof(records, "record-signing", asked.ticket),
  ]);
  const answer = { ...keys, ticket: asked.ticket, credential: credential.toJSON(), proofs };
  const made = await call<Omit<Session, "requests" | "records">>("POST", "/v1/sign-in/sessions", { body: answer });
  const { agency, handle, roles, until } = made;
  const current = { agency, handle, roles, until, requests, records };
  await keep("session", "current", current);
  session.value = current;
}

export async function signOut(): Promise<void> {
  try {
    await call("POST", "/v1/sign-out");
  } finally {
    await signedOut();
  }
}

/** The keys hold no more: forget them. */
export async function signedOut(): Promise<void> {
  session.value = null;
  await forget("session", "current");
}

const proof = (key: Key, use: string, ticket: string): Promise<string> =>
  jws(key, "sarhad-key-proof+jwt", { ticket, use, kid: key.kid });
