/** HTTP message signatures (RFC 9421) under the profile sarhad-1, as every agency signs its requests. */

import { base64, base64url, type Bytes, random, sha256, utf8 } from "./encoding";
import { type Key, signBytes } from "./keys";

const LIFE = 120; // seconds

export interface Unsigned {
  method: string;
  url: string; // absolute
  body?: string | Bytes;
  type?: string;
  purpose?: string;
}

/** The headers that make it a signed request. */
export async function signedHeaders(key: Key, request: Unsigned): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  const covered: [string, string][] = [
    ["@method", request.method],
    ["@authority", new URL(request.url).host],
    ["@target-uri", request.url],
  ];
  if (request.body !== undefined) {
    headers["content-type"] = request.type ?? "application/json";
    headers["content-digest"] = `sha-256=:${base64(await sha256(typeof request.body === "string" ? utf8(request.body) : request.body))}:`;
    covered.push(["content-type", headers["content-type"]], ["content-digest", headers["content-digest"]]);
  }
  if (request.purpose) {
    headers["sarhad-purpose"] = request.purpose;
    covered.push(["sarhad-purpose", request.purpose]);
  }
  const created = Math.floor(Date.now() / 1000);
  const names = covered.map(([name]) => `"${name}"`).join(" ");
  const parameters =
    `(${names});created=${created};expires=${created + LIFE};nonce="${base64url(random(18))}"` +
    `;keyid="${key.kid}";alg="ecdsa-p256-sha256";tag="sarhad-1"`;
  const base = [...covered.map(([name, value]) => `"${name}": ${value}`), `"@signature-params": ${parameters}`];
  headers["signature-input"] = `sig=${parameters}`;
  headers["signature"] = `sig=:${base64(await signBytes(key, base.join("\n")))}:`;
  return headers;
}
