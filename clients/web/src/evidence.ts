/** What proves that the service took a record: one file, as `sarhad verify` reads it, and the same argument made here.

(1) the agency's key signed the record; (2) the service signed a receipt for it; (3) the leaf that the receipt names
commits to the record; (4) the log's signed checkpoint holds that leaf (RFC 6962 §2.1).
*/

import { get, Refused } from "./api";
import { type Bytes, base64url, sha256, utf8 } from "./encoding";
import { type Key, payload } from "./keys";
import { t } from "./words";

type Jwk = Key["jwk"];

export interface Evidence {
  record: string;
  receipt: string;
  record_key?: Jwk | undefined;
  service_key: JsonWebKey;
  proof?: Proof | undefined;
}

interface Proof {
  index: number;
  size: number;
  path: string[];
  checkpoint: string;
}

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
  const [{ keys }, proof] = await Promise.all([
    get<{ keys: [JsonWebKey] }>("/v1/service"),
    get<Proof>(`/v1/${kind}/${id}/proof`).catch((fault: unknown) => {
      if (fault instanceof Refused) return undefined; // not merged yet, or a later version stands in its place
      throw fault;
    }),
  ]);
  return { record, receipt, record_key, service_key: keys[0], proof };
}

/** What is proven, step by step. Throws an Error that says which step does not hold. */
export async function check(given: Evidence): Promise<string[]> {
  const [jwt = ""] = given.record.split("~");
  if (given.record_key) {
    await hold(given.record_key, { name: "ECDSA", hash: "SHA-256" }, { name: "ECDSA", namedCurve: "P-256" }, jwt, t("The record is not signed by this key."));
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
  const { index, size, path, checkpoint } = given.proof;
  const [origin, stated, root] = await opened(checkpoint, key, promised.iss);
  demand(origin === promised.iss && Number(stated) === size, t("The proof and the checkpoint are of different trees."));
  demand(root === plain(await leads(leaf, index, size, path.map(bytes))), t("The proof does not lead to the root of the checkpoint."));
  return [...steps, t("Entry {index} of the log's {size} is this record.", { index, size })];
}

function demand(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

async function hold(jwk: JsonWebKey, how: AlgorithmIdentifier | EcdsaParams, of: AlgorithmIdentifier | EcKeyImportParams, jws: string, otherwise: string): Promise<void> {
  const [header = "", said = "", signature = ""] = jws.split(".");
  const key = await crypto.subtle.importKey("jwk", { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y } as JsonWebKey, of, false, ["verify"]);
  demand(await crypto.subtle.verify(how, key, bytes(signature), utf8(`${header}.${said}`)), otherwise);
}

/** The lines of a checkpoint, its signature by the log's key verified (C2SP signed-note). */
async function opened(note: string, jwk: JsonWebKey, origin: string): Promise<string[]> {
  const end = note.lastIndexOf("\n\n");
  const text = note.slice(0, end + 1);
  const key = await crypto.subtle.importKey("jwk", { kty: jwk.kty, crv: jwk.crv, x: jwk.x } as JsonWebKey, "Ed25519", false, ["verify"]);
  const lines = note.slice(end + 2).split("\n").filter((line) => line.startsWith(`— ${origin} `));
  for (const line of lines) {
    const signature = bytes(line.slice(line.lastIndexOf(" ") + 1)).slice(4); // after the key's id
    if (signature.length === 64 && (await crypto.subtle.verify("Ed25519", key, signature, utf8(text)))) return text.split("\n");
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
