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
  await enter("/v1/sign-in/sessions", requests, records, { ticket: asked.ticket, credential: credential.toJSON() });
}

/** Each key signs the ticket of what identified the officer, and both hold for a working day. */
async function enter(path: string, requests: Key, records: Key, answer: { ticket: string; [name: string]: unknown }): Promise<void> {
  const proofs = await Promise.all([
    proof(requests, "request-signing", answer.ticket),
    proof(records, "record-signing", answer.ticket),
  ]);
  const body = { requests: requests.jwk, records: records.jwk, ...answer, proofs };
  const { agency, handle, roles, until } = await call<Omit<Session, "requests" | "records">>("POST", path, { body });
  const current = { agency, handle, roles, until, requests, records };
  await keep("session", "current", current);
  session.value = current;
}

export interface Provider {
  country: string;
  name: string;
}

/** What a browser that was sent to a provider comes back to: the keys that are to be certified, or the code to enrol with. */
interface Leaving {
  at: string;
  ticket: string;
  keys?: { requests: Key; records: Key };
  code?: string;
}

export const providers = async (): Promise<Provider[]> =>
  (await call<{ providers: Provider[] }>("GET", "/v1/console")).providers;

/** Off to a country's provider of identities: with a code to enrol whom it identifies, without one to sign in. */
export async function leave(country: string, code?: string): Promise<void> {
  const at = `/v1/sign-in/providers/${country}`;
  const keys = code ? undefined : { requests: await makeKey(), records: await makeKey() };
  const asked = keys
    ? await call<{ ticket: string; url: string }>("POST", `${at}/challenges`, { body: { requests: keys.requests.jwk, records: keys.records.jwk } })
    : await call<{ ticket: string; url: string }>("POST", `${at}/enrolments`, { body: { code } });
  await keep("session", "leaving", { at, ticket: asked.ticket, ...(keys && { keys }), ...(code && { code }) } satisfies Leaving);
  location.assign(asked.url);
}

/** Back with what the provider says in the address (RFC 6749 §4.1.2): signed in, or enrolled. Nothing where nobody left. */
export async function comeBack(said: URLSearchParams): Promise<"signed in" | "enrolled" | "refused" | undefined> {
  const left = await kept<Leaving>("session", "leaving");
  if (!left || said.get("state") !== left.ticket) return undefined;
  await forget("session", "leaving");
  const authorization = said.get("code");
  if (!authorization) return "refused";
  if (left.keys) {
    await enter(`${left.at}/sessions`, left.keys.requests, left.keys.records, { ticket: left.ticket, authorization });
    return "signed in";
  }
  await call("POST", `${left.at}/identities`, { body: { code: left.code, ticket: left.ticket, authorization } });
  return "enrolled";
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
