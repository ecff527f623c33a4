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

/** What a browser that was sent to a provider comes back to. Of this page alone, for a code to enrol with may be in it. */
interface Leaving {
  country: string;
  ticket: string;
  code?: string;
}

/** The keys that are to be certified, which leave this browser's own store never. */
interface Keys {
  requests: Key;
  records: Key;
}

const LEAVING = "leaving";
const at = (country: string): string => `/v1/sign-in/providers/${country}`;

export const providers = async (): Promise<Provider[]> =>
  (await call<{ providers: Provider[] }>("GET", "/v1/console")).providers;

/** Off to a country's provider of identities: with a code to enrol whom it identifies, without one to sign in. */
export async function leave(country: string, code?: string): Promise<void> {
  const keys: Keys | undefined = code ? undefined : { requests: await makeKey(), records: await makeKey() };
  const asked = keys
    ? await call<{ ticket: string; url: string }>("POST", `${at(country)}/challenges`, { body: { requests: keys.requests.jwk, records: keys.records.jwk } })
    : await call<{ ticket: string; url: string }>("POST", `${at(country)}/enrolments`, { body: { code } });
  if (keys) await keep("session", LEAVING, keys);
  sessionStorage.setItem(LEAVING, JSON.stringify({ country, ticket: asked.ticket, ...(code && { code }) } satisfies Leaving));
  location.assign(asked.url);
}

/** Whoever stays, or comes back another way, has left for nowhere: no code remains for who sits here next. */
function returned(): Leaving | undefined {
  const left = sessionStorage.getItem(LEAVING);
  sessionStorage.removeItem(LEAVING);
  return left ? JSON.parse(left) : undefined;
}

/**
 * Back with what the provider says in the address (RFC 6749 §4.1.2): signed in, or enrolled. Nothing where nobody left,
 * or for another provider, which has an address of its own to send to: its word is for no other.
 */
export async function comeBack(said?: URLSearchParams): Promise<"signed in" | "enrolled" | "refused" | undefined> {
  const left = returned();
  if (!left || said?.get("state") !== left.ticket || said.get("at") !== left.country) return undefined;
  const { country, ticket, code } = left;
  const keys = await kept<Keys>("session", LEAVING);
  await forget("session", LEAVING);
  const [authorization, iss] = [said.get("code"), said.get("iss")];
  if (!authorization) return "refused";
  const answer = { ticket, authorization, ...(iss !== null && { iss }) };
  if (code) {
    await call("POST", `${at(country)}/identities`, { body: { code, ...answer } });
    return "enrolled";
  }
  if (!keys) return undefined;
  await enter(`${at(country)}/sessions`, keys.requests, keys.records, answer);
  return "signed in";
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
  returned();
  await forget("session", "current");
}

const proof = (key: Key, use: string, ticket: string): Promise<string> =>
  jws(key, "sarhad-key-proof+jwt", { ticket, use, kid: key.kid });
