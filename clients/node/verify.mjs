// A second verifier, which shares nothing with the first: record, receipt, inclusion, checkpoint and cosignatures.
// Node 20 or newer, nothing to install.
//
//   node verify.mjs EVIDENCE.sarhad.json RECORD_KEY.jwk SERVICE_KEY.jwk [QUORUM_POLICY]
//
// Formats: RFC 9901 (records), RFC 7515 (receipts), RFC 6962 and 9162 §2.1 (trees), C2SP signed-note, tlog-checkpoint,
// tlog-cosignature and tlog-policy.
import crypto from "node:crypto";
import fs from "node:fs";
import { pathToFileURL } from "node:url";

export class NotProven extends Error {}
const demand = (holds, sentence) => {
  if (!holds) throw new NotProven(sentence);
};
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), crypto.createHash("sha256")).digest();
const node = (left, right) => sha256(Buffer.of(1), left, right);
export const leafHash = (entry) => sha256(Buffer.of(0), entry);

// Node takes any characters for base64; what is signed has one spelling only.
function decode(text, encoding) {
  demand(typeof text === "string", "a text in base64 is expected");
  const raw = Buffer.from(text, encoding);
  demand(raw.toString(encoding) === text, "this is not canonical base64");
  return raw;
}
const b64 = (text) => decode(text, "base64");
const b64url = (text) => decode(text, "base64url");

// Two readers of one text must see the same: a member that stands twice is refused. In JSON only a name is a string with a
// colon behind it.
function parseJson(raw) {
  let text, value, members = 0;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
    value = JSON.parse(text, (_, of) => {
      if (of !== null && typeof of === "object" && !Array.isArray(of)) members += Object.keys(of).length;
      return of;
    });
  } catch {
    throw new NotProven("this is not JSON in UTF-8");
  }
  const strings = text.match(/"(?:[^"\\]|\\.)*"\s*:?/g) ?? [];
  demand(strings.filter((token) => token.endsWith(":")).length === members, "a member stands twice");
  return value;
}

// --- keys ------------------------------------------------------------------------------------------------------------
const MEMBERS = { OKP: ["crv", "kty", "x"], EC: ["crv", "kty", "x", "y"] };

/** RFC 7638. */
export function thumbprint(jwk) {
  const members = MEMBERS[jwk.kty] ?? [];
  return sha256(JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]])))).toString("base64url");
}

function verifyJws(signature, text, jwk, header) {
  const ed25519 = jwk.kty === "OKP" && jwk.crv === "Ed25519";
  demand(ed25519 || (jwk.kty === "EC" && jwk.crv === "P-256"), "the key is neither Ed25519 nor P-256");
  demand(header.alg === (ed25519 ? "EdDSA" : "ES256"), "the algorithm is not the key's");
  demand(header.kid === thumbprint(jwk), "the header names another key");
  const key = crypto.createPublicKey({ key: jwk, format: "jwk" });
  const ok = ed25519
    ? crypto.verify(null, Buffer.from(text), key, signature)
    : crypto.verify("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }, signature);
  demand(signature.length === 64 && ok, "the signature does not match");
}

function openJws(jws, jwk, type) {
  const parts = jws.split(".");
  demand(parts.length === 3, "this is not a compact JWS");
  const header = parseJson(b64url(parts[0]));
  demand(Object.keys(header ?? {}).sort().join() === "alg,kid,typ" && header.typ === type, `the header is not that of ${type}`);
  verifyJws(b64url(parts[2]), `${parts[0]}.${parts[1]}`, jwk, header);
  return parseJson(b64url(parts[1]));
}

// --- records ---------------------------------------------------------------------------------------------------------
/** The signed claims, the facets that are disclosed, and the digest that receipts name. */
export function verifyRecord(record, jwk) {
  const parts = record.trim().split("~");
  demand(parts.length >= 2 && parts.at(-1) === "", "this is not a presentation of a record");
  const [jwt, ...disclosures] = parts.slice(0, -1);
  const claims = openJws(jwt, jwk, "sarhad-record+sd-jwt");
  demand(claims._sd_alg === "sha-256" && Array.isArray(claims._sd), "the claims name no digests of SHA-256");
  const facets = {};
  for (const disclosure of disclosures) {
    const opened = parseJson(b64url(disclosure));
    demand(Array.isArray(opened) && opened.length === 3, "a disclosure is [salt, facet, value]");
    demand(claims._sd.includes(sha256(disclosure).toString("base64url")), "a disclosure is not of this record");
    demand(!Object.hasOwn(facets, opened[1]), "a facet is disclosed twice");
    facets[opened[1]] = opened[2];
  }
  return { claims, facets, digest: sha256(jwt) };
}

/** The promise in a receipt for the record of this digest; its leaf commits to it. */
export function verifyReceipt(receipt, digest, jwk) {
  const promise = openJws(receipt, jwk, "sarhad-receipt+jwt");
  const [stated, salt, leaf] = [promise.digest, promise.salt, promise.leaf].map(b64url);
  demand(stated.equals(digest), "the receipt is for another record");
  demand(salt.length === 16 && leaf.equals(leafHash(sha256(salt, digest))), "the leaf does not commit to the record");
  return { ...promise, leaf };
}

// --- trees -----------------------------------------------------------------------------------------------------------
// Sizes reach 2^63: arithmetic is in BigInt. Both proofs are read as RFC 6962 writes them, from the root down.
function split(size) {
  let half = 1n;
  while (half * 2n < size) half *= 2n;
  return half;
}

function rootOfPath(index, size, leaf, path) {
  if (size === 1n) {
    demand(path.length === 0, "the proof is too long");
    return leaf;
  }
  demand(path.length > 0, "the proof is too short");
  const [rest, sibling, half] = [path.slice(0, -1), path.at(-1), split(size)];
  return index < half
    ? node(rootOfPath(index, half, leaf, rest), sibling)
    : node(sibling, rootOfPath(index - half, size - half, leaf, rest));
}

/** RFC 6962 §2.1.1. */
export function verifyInclusion(leaf, index, size, path, root) {
  [index, size] = [BigInt(index), BigInt(size)];
  demand(index >= 0n && index < size && size < 1n << 63n, "the index lies outside the tree");
  demand(path.every((hash) => hash.length === 32), "a hash has 32 bytes");
  demand(rootOfPath(index, size, leaf, path).equals(root), "the proof does not lead to the root");
}

// The two roots of trees of `old` and `size` leaves, from SUBPROOF(old, D[size], known).
function rootsOfSubproof(old, size, path, known, oldRoot) {
  if (old === size) {
    demand(path.length === (known ? 0 : 1), "the proof has another length");
    return known ? [oldRoot, oldRoot] : [path[0], path[0]];
  }
  demand(path.length > 0, "the proof is too short");
  const [rest, last, half] = [path.slice(0, -1), path.at(-1), split(size)];
  if (old <= half) {
    const [before, after] = rootsOfSubproof(old, half, rest, known, oldRoot);
    return [before, node(after, last)];
  }
  const [before, after] = rootsOfSubproof(old - half, size - half, rest, false, oldRoot);
  return [node(last, before), node(last, after)];
}

/** RFC 6962 §2.1.2: the newer tree begins with the older one. Trees are {origin, size, root}. */
export function verifyConsistency(older, newer, path) {
  demand(older.origin === newer.origin, "the checkpoints are of different logs");
  demand(older.size <= newer.size, "the log has become shorter");
  demand(path.every((hash) => hash.length === 32), "a hash has 32 bytes");
  if (older.size === 0n) {
    demand(path.length === 0 && older.root.equals(sha256("")), "the empty tree needs no proof and has one root");
    return;
  }
  const [before, after] = rootsOfSubproof(older.size, newer.size, path, true, older.root);
  demand(before.equals(older.root) && after.equals(newer.root), "the log was rewritten");
}

// --- notes -----------------------------------------------------------------------------------------------------------
const LOG = 1;
const WITNESS = 4;
const SPKI = Buffer.from("302a300506032b6570032100", "hex"); // RFC 8410: what stands before the 32 bytes of the key

function noteKey(name, raw, type) {
  const key = crypto.createPublicKey({ key: Buffer.concat([SPKI, raw]), format: "der", type: "spki" });
  return { name, key, raw, id: sha256(name, "\n", Buffer.of(type), raw).subarray(0, 4) };
}

/** A verifier key `name+key id+base64`, of a log (1) or a witness (4). */
export function parseKey(text, type) {
  const [name, id, ...rest] = text.split("+");
  const raw = b64(rest.join("+"));
  demand(name && !/\s/.test(name) && raw.length === 33 && raw[0] === type, "this is not such a verifier key");
  const key = noteKey(name, raw.subarray(1), type);
  demand(key.id.toString("hex") === id, "the key id does not fit");
  return key;
}

function openNote(note) {
  const cut = note.lastIndexOf("\n\n");
  demand(cut >= 0 && note.endsWith("\n"), "this is not a signed note");
  const signatures = note.slice(cut + 2, -1).split("\n").map((line) => {
    const found = line.match(/^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/);
    demand(found, "a signature line is malformed");
    return { name: found[1], value: b64(found[2]) };
  });
  return { text: note.slice(0, cut + 1), signatures };
}

const linesOf = (signatures, key) =>
  signatures.filter(({ name, value }) => name === key.name && value.subarray(0, 4).equals(key.id)).map(({ value }) => value.subarray(4));

/** {origin, size, root} of a note that the log signed exactly once. */
export function openCheckpoint(note, logKey) {
  const { text, signatures } = openNote(note);
  const ours = linesOf(signatures, logKey);
  demand(ours.length === 1 && crypto.verify(null, Buffer.from(text), logKey.key, ours[0]), "the log did not sign this");
  const found = text.match(/^([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n$/);
  demand(found && found[1] === logKey.name, "this is no checkpoint of this log");
  return { origin: found[1], size: BigInt(found[2]), root: b64(found[3]) };
}

/** POSIX seconds at which the witness cosigned the note; undefined where it did not. */
export function cosignedAt(note, witness) {
  const { text, signatures } = openNote(note);
  let latest;
  for (const value of linesOf(signatures, witness)) {
    demand(value.length === 72, "a cosignature has another length");
    const time = value.readBigUInt64BE();
    const message = Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);
    demand(time < 1n << 63n && crypto.verify(null, message, witness.key, value.subarray(8)), "a cosignature does not match");
    if (latest === undefined || time > latest) latest = time;
  }
  return latest;
}

/** A quorum policy: {logs, witnesses, met(names)}. */
export function parseQuorum(text) {
  const [logs, witnesses, groups, members] = [[], new Map(), new Map(), new Set()];
  let rule;
  const known = (name) => demand(witnesses.has(name) || groups.has(name), `no witness or group ${name} stands above`);
  const fresh = (name) => demand(name !== "none" && !witnesses.has(name) && !groups.has(name), `the name ${name} is taken`);
  for (const line of text.split("\n")) {
    const [what, ...words] = line.split(/[ \t]+/).filter(Boolean);
    if (!what || what.startsWith("#")) continue;
    const [name, second, ...rest] = words;
    if (what === "log" && [1, 2].includes(words.length)) {
      logs.push(parseKey(name, LOG));
    } else if (what === "witness" && [2, 3].includes(words.length)) {
      fresh(name);
      const key = parseKey(second, WITNESS);
      demand(![...witnesses.values()].some((other) => other.raw.equals(key.raw)), "a witness is listed twice");
      witnesses.set(name, key);
    } else if (what === "group" && rest.length > 0) {
      fresh(name);
      for (const member of rest) {
        known(member);
        demand(!members.has(member), `${member} is in a group already`);
        members.add(member);
      }
      const count = { any: 1, all: rest.length }[second] ?? (/^[1-9][0-9]{0,3}$/.test(second) ? Number(second) : 0);
      demand(count >= 1 && count <= rest.length, "a group says all, any or how many of its members");
      groups.set(name, { count, names: rest });
    } else if (what === "quorum" && words.length === 1) {
      demand(rule === undefined, "there are two quorums");
      if (name !== "none") known(name);
      rule = name;
    } else {
      throw new NotProven(`the policy has a line that is none: ${line}`);
    }
  }
  demand(rule !== undefined, "the policy names no quorum");
  const holds = (name, names) =>
    witnesses.has(name)
      ? names.includes(name)
      : groups.get(name).names.filter((member) => holds(member, names)).length >= groups.get(name).count;
  return { logs, witnesses, met: (names) => rule === "none" || holds(rule, names) };
}

/** The checkpoint, and the names of the policy's witnesses that cosigned it: a quorum. */
export function verifyQuorum(note, logKey, quorum) {
  const listed = quorum.logs.some((log) => log.name === logKey.name && log.raw.equals(logKey.raw));
  demand(quorum.logs.length === 0 || listed, "the policy does not list this log with this key");
  const checkpoint = openCheckpoint(note, logKey);
  const names = [...quorum.witnesses].filter(([, key]) => cosignedAt(note, key) !== undefined).map(([name]) => name);
  demand(quorum.met(names), `no quorum: cosigned by ${names.join(", ") || "nobody known"}`);
  return { checkpoint, names };
}

// --- the whole argument ----------------------------------------------------------------------------------------------
/** Kept evidence (`sarhad submit --save`, `sarhad verify --fetch`) as sentences; throws NotProven at the first that fails. */
export function verifyEvidence(evidence, recordKey, serviceKey, quorum) {
  const record = verifyRecord(evidence.record, recordKey);
  const steps = [`${record.claims.iss} signed version ${record.claims.ver} of record ${record.claims.jti}.`];
  if (!evidence.receipt) return steps;
  const promise = verifyReceipt(evidence.receipt, record.digest, serviceKey);
  steps.push(`The service promised to log it within ${promise.mmd} s.`);
  if (!evidence.proof) return steps;
  const logKey = noteKey(promise.iss, b64url(serviceKey.x), LOG);
  const checkpoint = openCheckpoint(evidence.proof.checkpoint, logKey);
  demand(BigInt(evidence.proof.size) === checkpoint.size, "proof and checkpoint are of different trees");
  verifyInclusion(promise.leaf, evidence.proof.index, evidence.proof.size, evidence.proof.path.map(b64url), checkpoint.root);
  steps.push(`It is entry ${evidence.proof.index} of ${checkpoint.size} that the log signed.`);
  if (quorum) {
    demand(evidence.witnessed, "the evidence holds no cosigned checkpoint");
    const { checkpoint: seen, names } = verifyQuorum(evidence.witnessed.checkpoint, logKey, quorum);
    verifyConsistency(checkpoint, seen, evidence.witnessed.path.map(b64url));
    steps.push(`${names.join(", ")} cosigned the log at ${seen.size} entries, which begin with those.`);
  }
  return steps;
}

if (process.argv[1] && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  const [evidence, recordKey, serviceKey, policy] = process.argv.slice(2);
  const json = (file) => JSON.parse(fs.readFileSync(file, "utf8"));
  try {
    const quorum = policy && parseQuorum(fs.readFileSync(policy, "utf8"));
    verifyEvidence(json(evidence), json(recordKey), json(serviceKey), quorum).forEach((step, at) => console.log(`${at + 1}. ${step}`));
  } catch (fault) {
    console.error(`not proven: ${fault.message}`);
    process.exit(4);
  }
}
