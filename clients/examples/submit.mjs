// Signs one POST with RFC 9421 and Ed25519, sends it, and checks the signed answer. Node 20 or newer, nothing to install.
//
//   node submit.mjs SERVICE REQUEST_KEY.pem RECORD_FILE [SERVICE_KEY.jwk]
//
// RECORD_FILE holds a signed record (SD-JWT), SERVICE_KEY.jwk a key of the service that you have pinned.
import crypto from "node:crypto";
import fs from "node:fs";

const [service, keyFile, recordFile, pinnedFile] = process.argv.slice(2);
const key = crypto.createPrivateKey(fs.readFileSync(keyFile));
const sha256 = (data) => crypto.createHash("sha256").update(data).digest();
const digestField = (body) => `sha-256=:${sha256(body).toString("base64")}:`;

// RFC 7638: the key's name is the hash of its public JWK, members in this order.
function thumbprint({ crv, kty, x }) {
  return sha256(JSON.stringify({ crv, kty, x })).toString("base64url");
}

// The pinned key, and those to which statements lead from it: each key vouches for the one that comes after (RFC 7515),
// and says from when on (nbf) that one signs.
function successors(pinned, statements) {
  const keys = [pinned];
  for (const statement of statements) {
    const [header, payload, signature] = statement.split(".");
    const [{ typ, kid }, { jwk, nbf }] = [header, payload].map((part) => JSON.parse(Buffer.from(part, "base64url")));
    const last = keys.at(-1);
    if (typ !== "sarhad-succession+jwt" || kid !== thumbprint(last)) continue;
    const before = crypto.createPublicKey({ key: last, format: "jwk" });
    const holds = crypto.verify(null, Buffer.from(`${header}.${payload}`), before, Buffer.from(signature, "base64url"));
    if (!holds) throw new Error("what should vouch for the service's new key does not hold");
    keys.push({ ...jwk, begins: nbf });
  }
  return keys;
}

const described = await (await fetch(new URL("/v1/service", service))).json();
const pinned = pinnedFile ? JSON.parse(fs.readFileSync(pinnedFile)) : described.keys[0]; // pin it in real use
const serviceKeys = successors(pinned, described.successions);

// Which of them may sign an answer now: the last one, and the one before it until 300 s after the last one began. An older
// one may be in anybody's hands; what it signed in its time, such as a receipt, stays true.
function speaking() {
  const [last, before] = serviceKeys.toReversed();
  return before && Date.now() / 1000 < last.begins + 300 ? [last, before] : [last];
}

// RFC 9421 §2.5: one line for each covered component, then the parameters.
function signatureBase(components, parameters) {
  const lines = components.map(([name, value]) => `${name}: ${value}`);
  const list = `(${components.map(([name]) => name).join(" ")})${parameters}`;
  return { list, text: [...lines, `"@signature-params": ${list}`].join("\n") };
}

async function call(method, path, body, type, purpose) {
  const url = new URL(path, service);
  const headers = {};
  const components = [['"@method"', method], ['"@authority"', url.host], ['"@target-uri"', url.href]];
  if (body) {
    headers["content-type"] = type;
    headers["content-digest"] = digestField(body);
    components.push(['"content-type"', type], ['"content-digest"', headers["content-digest"]]);
  }
  if (purpose) {
    headers["sarhad-purpose"] = purpose;
    components.push(['"sarhad-purpose"', purpose]);
  }
  const now = Math.floor(Date.now() / 1000);
  const nonce = crypto.randomBytes(18).toString("base64url");
  const keyid = thumbprint(crypto.createPublicKey(key).export({ format: "jwk" }));
  const parameters = `;created=${now};expires=${now + 60};nonce="${nonce}";keyid="${keyid}";alg="ed25519";tag="sarhad-1"`;
  const base = signatureBase(components, parameters);
  const signature = `:${crypto.sign(null, Buffer.from(base.text), key).toString("base64")}:`;
  headers["signature-input"] = `sig=${base.list}`;
  headers["signature"] = `sig=${signature}`;
  const answer = await fetch(url, { method, headers, body });
  const content = Buffer.from(await answer.arrayBuffer());
  await verifyAnswer(answer, content, { method, url: url.href, signature });
  return { status: answer.status, content };
}

// The service signs its answer together with the request it answers ("…";req).
async function verifyAnswer(answer, content, request) {
  const [, list, names, parameters] = answer.headers.get("signature-input").match(/^sarhad=(\((.*?)\)(.*))$/);
  const values = {
    '"@status"': String(answer.status),
    '"content-type"': answer.headers.get("content-type"),
    '"content-digest"': answer.headers.get("content-digest"),
    '"@method";req': request.method,
    '"@target-uri";req': request.url,
    '"signature";req;key="sig"': request.signature,
  };
  const covered = names.split(" ");
  if (Object.keys(values).some((name) => !covered.includes(name))) throw new Error(`the answer covers only ${list}`);
  const base = signatureBase(covered.map((name) => [name, values[name]]), parameters);
  const signature = Buffer.from(answer.headers.get("signature").match(/^sarhad=:(.*):$/)[1], "base64");
  const signer = speaking().find((jwk) => parameters.includes(`;keyid="${thumbprint(jwk)}"`));
  const signerKey = signer && crypto.createPublicKey({ key: signer, format: "jwk" });
  if (!signerKey || !crypto.verify(null, Buffer.from(base.text), signerKey, signature)) throw new Error("the answer is not the service's");
  if (answer.headers.get("content-digest") !== digestField(content)) throw new Error("the body was changed");
}

const record = fs.readFileSync(recordFile, "utf8").trim();
const accepted = await call("POST", "/v1/seizures", Buffer.from(record), "application/sd-jwt");
console.log(accepted.status, accepted.content.toString());
if (accepted.status >= 400) process.exit(1);
const { id } = JSON.parse(accepted.content);
const read = await call("GET", `/v1/seizures/${id}`, undefined, undefined, "operational");
console.log(read.status, read.content.toString());
