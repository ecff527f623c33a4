/** What proves that the service took a record: one file, as `sarhad verify` reads it, and the same argument made here.

(1) the agency's key signed the record; (2) the service signed a receipt for it; (3) the leaf that the receipt names
commits to the record; (4) the log's signed checkpoint holds that leaf (RFC 6962 §2.1). The log may be signed by a key
that has followed since the one of the receipt: each vouches for the next.
*/

import { get, Refused, text } from "./api";
import { type Bytes, base64url, sha256, utf8 } from "./encoding";
import { type Key, header, payload } from "./keys";
import { t, when } from "./words";

type Jwk = Key["jwk"];

const SUCCESSION = "sarhad-succession+jwt";

export interface Evidence {
  record: string;
  receipt: string;
  record_key?: Jwk | undefined;
  service_key: JsonWebKey;
  successions?: string[]; // from that key on: the log may have signed with one that followed
  proof?: Proof | undefined;
}

interface Proof {
  salt: string;
  index: number;
  size: number;
  path: string[];
  checkpoint: string;
}

interface ServiceKey extends JsonWebKey {
  kid: string;
}

interface Service {
  keys: [ServiceKey, ...ServiceKey[]];
  former_keys: ServiceKey[];
  successions: string[];
  logs: { records: string };
}

const service = (): Promise<Service> => get<Service>("/v1/service");

interface Promised {
  sub: string;
  iss: string;
  digest: string;
  salt: string;
  leaf: string;
  mmd: number;
}

/** With the proof, where the log holds the record by now. `kind` is the path of the records: `seizures`, `analyses`. */
export async function evidence(kind: string, id: string, record: string, receipt: string, record_key?: Jwk): Promise<Evidence> {
  const [{ keys, former_keys, successions }, proof] = await Promise.all([service(), placeOf(kind, id)]);
  const { kid: signer } = header(receipt) as ServiceKey;
  return { record, receipt, record_key, service_key: former_keys.find(({ kid }) => kid === signer) ?? keys[0], ...(successions.length > 0 && { successions }), proof };
}

/** What is proven, step by step. Throws an Error that says which step does not hold. */
export async function check(given: Evidence): Promise<string[]> {
  const [jwt = ""] = given.record.split("~");
  if (given.record_key) {
    await signedBy(given.record_key, jwt);
  }
  const key = given.service_key;
  await hold(key, "Ed25519", "Ed25519", given.receipt, t("The receipt is not signed by the service."));
  const promised = payload(given.receipt) as Promised;
  const digest = await sha256(utf8(jwt));
  demand(promised.digest === base64url(digest), t("The receipt is for another record."));
  const leaf = await committed(bytes(promised.salt), new Uint8Array(digest));
  demand(promised.leaf === base64url(leaf), t("The leaf that the receipt names does not commit to the record."));
  const steps = [t("The service promised to log this very record within {n} s.", { n: promised.mmd })];
  if (!given.proof) return [...steps, t("The log was not consulted, or holds a later version. Check again later.")];
  return [...steps, await logged(leaf, given.proof, await successors(key, given.successions ?? []), promised.iss)];
}

interface AgencyKey {
  agency: string;
  use: string;
  jwk: Jwk;
  revoked_at: string | null;
  revocation_reason: string | null;
}

interface Shown {
  id: string;
  version: number;
  kind: string;
  agency: string;
  handling: string;
  facets: Record<string, unknown>;
  gives: string[];
}

/** What vouches for a record that is shown here: all of it is as its agency signed it, and the log holds it. */
export async function vouched({ id, version, kind, agency, handling, facets, gives }: Shown): Promise<string[]> {
  const [jwt = "", ...disclosures] = (await text(`/v1/seizures/${id}`, "application/sd-jwt")).trim().split("~").slice(0, -1);
  const { kid } = header(jwt) as { kid: string };
  const { items: [key] } = await get<{ items: AgencyKey[] }>(`/v1/keys?kid=${kid}`);
  const said = payload(jwt) as { iss: string; jti: string; ver: number; kind: string; handling: string; _sd: string[] };
  if (key?.agency !== agency || key.use !== "record-signing" || said.iss !== agency || said.jti !== id) throw new Error(t("The record is not signed by a key of its agency."));
  await signedBy(key.jwk, jwt);
  const digests = await Promise.all(disclosures.map(async (one) => base64url(await sha256(utf8(one)))));
  const values = new Map(disclosures.map((one) => JSON.parse(new TextDecoder().decode(bytes(one))).slice(1) as [string, unknown]));
  const same = Object.entries(facets).every(([name, value]) => JSON.stringify(values.get(name)) === JSON.stringify(value));
  const alike = said.ver === version && said.kind === kind && said.handling === handling;
  demand(alike && same && digests.every((one) => said._sd.includes(one)), t("Something that is shown is not as it was signed."));
  const steps = [t("{agency} signed every detail that is shown here, the version, the kind and the handling, with its key {kid}; none of it was changed since.", { agency, kid }), t("That this key is of {agency}, the state of the record, and what is worked out from it are the word of this service: the agency did not sign them.", { agency })];
  if (key.revoked_at) steps.push(t("That key was revoked on {day}: {reason}", { day: when(key.revoked_at), reason: key.revocation_reason ?? "" }));
  const place = gives.includes("reported") ? await placeOf("seizures", id) : undefined; // which tells when it was reported
  if (!gives.includes("reported")) return [...steps, t("Its place in the log is not given to you: it would tell when it was reported.")];
  if (!place) return [...steps, t("It has no place in the log yet.")];
  const { keys, former_keys, successions, logs } = await service();
  const log = await successors(former_keys.at(-1) ?? keys[0], successions);
  const leaf = await committed(bytes(place.salt), new Uint8Array(await sha256(utf8(jwt))));
  return [...steps, await logged(leaf, place, log, logs.records)];
}

/** A key with those to which the statements lead from it, in their order; statements of other keys say nothing. */
async function successors(first: JsonWebKey, statements: string[]): Promise<JsonWebKey[]> {
  const keys = [first];
  for (const statement of statements) {
    const last = keys.at(-1) as JsonWebKey;
    const { typ, kid } = header(statement) as { typ: string; kid: string };
    if (typ !== SUCCESSION || kid !== (await thumbprint(last))) continue;
    await hold(last, "Ed25519", "Ed25519", statement, t("What should vouch for the service's new key does not hold."));
    keys.push((payload(statement) as { jwk: JsonWebKey }).jwk);
  }
  return keys;
}

/** RFC 7638: the hash of the members of an Ed25519 key, in this order. */
const thumbprint = async ({ crv, kty, x }: JsonWebKey): Promise<string> => base64url(await sha256(utf8(JSON.stringify({ crv, kty, x }))));

const signedBy = (jwk: Jwk, jwt: string): Promise<void> =>
  jwk.kty === "EC"
    ? hold(jwk, { name: "ECDSA", hash: "SHA-256" }, { name: "ECDSA", namedCurve: "P-256" }, jwt, t("The record is not signed by this key."))
    : hold(jwk, "Ed25519", "Ed25519", jwt, t("The record is not signed by this key."));

/** The record's place in the log; nothing where it is not merged yet, not given, or a later version stands in its place. */
const placeOf = (kind: string, id: string): Promise<Proof | undefined> =>
  get<Proof>(`/v1/${kind}/${id}/proof`).catch((fault: unknown) => {
    if (fault instanceof Refused) return undefined;
    throw fault;
  });

/** That the log's checkpoint, signed by one of its keys, holds the leaf. */
async function logged(leaf: Bytes, { index, size, path, checkpoint }: Proof, keys: JsonWebKey[], log: string): Promise<string> {
  const [origin, stated, root] = await opened(checkpoint, keys, log);
  demand(origin === log && Number(stated) === size && index >= 0 && index < size, t("The proof and the checkpoint are of different trees."));
  demand(root === plain(await leads(leaf, index, size, path.map(bytes))), t("The proof does not lead to the root of the checkpoint."));
  return t("Entry {index} of the log's {size} is this record.", { index, size });
}

function demand(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

async function hold(jwk: JsonWebKey, how: AlgorithmIdentifier | EcdsaParams, of: AlgorithmIdentifier | EcKeyImportParams, jws: string, otherwise: string): Promise<void> {
  const [header = "", said = "", signature = ""] = jws.split(".");
  const key = await crypto.subtle.importKey("jwk", { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y } as JsonWebKey, of, false, ["verify"]);
  demand(await crypto.subtle.verify(how, key, bytes(signature), utf8(`${header}.${said}`)), otherwise);
}

/** The lines of a checkpoint, its signature by a key of the log verified (C2SP signed-note). */
async function opened(note: string, keys: JsonWebKey[], origin: string): Promise<string[]> {
  const end = note.lastIndexOf("\n\n");
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2).split("\n").filter((line) => line.startsWith(`— ${origin} `));
  for (const { kty, crv, x } of keys) {
    const key = await crypto.subtle.importKey("jwk", { kty, crv, x } as JsonWebKey, "Ed25519", false, ["verify"]);
    for (const line of lines) {
      const signature = bytes(line.slice(line.lastIndexOf(" ") + 1)).slice(4); // after the key's id
      if (signature.length === 64 && (await crypto.subtle.verify("Ed25519", key, signature, utf8(text)))) return text.split("\n");
    }
  }
  throw new Error(t("The checkpoint is not signed by the log."));
}

async function committed(salt: Bytes, digest: Bytes): Promise<Bytes> {
  const entry = new Uint8Array(await sha256(joined(salt, digest)));
  return new Uint8Array(await sha256(joined(Uint8Array.of(0), entry)));
}

/** The root to which a proof leads (RFC 9162 §2.1.3.2); one of the wrong length leads nowhere. */
async function leads(leaf: Bytes, index: number, size: number, path: Bytes[]): Promise<Bytes> {
  let [value, place, last] = [leaf, index, size - 1];
  const node = async (left: Bytes, right: Bytes) => new Uint8Array(await sha256(joined(Uint8Array.of(1), left, right)));
  for (const sibling of path) {
    demand(last !== 0, t("The proof does not lead to the root of the checkpoint."));
    if (place % 2 === 1 || place === last) {
      value = await node(sibling, value);
      while (place % 2 === 0 && place !== 0) [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
    } else {
      value = await node(value, sibling);
    }
    [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
  }
  demand(last === 0, t("The proof does not lead to the root of the checkpoint."));
  return value;
}

const joined = (...parts: Bytes[]): Bytes => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
};

const plain = (of: Bytes): string => btoa(String.fromCharCode(...of));
const bytes = (text: string): Bytes => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
