/** The two P-256 keys of a sign-in: made here, and never to be taken out of this browser. */

import { base64url, sha256, utf8 } from "./encoding";

const CURVE = { name: "ECDSA", namedCurve: "P-256" };

export interface Key {
  kid: string; // RFC 7638 thumbprint
  jwk: { crv: string; kty: string; x: string; y: string };
  key: CryptoKey; // private, non-extractable
}

export async function makeKey(): Promise<Key> {
  const pair = await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
  const { crv, kty, x, y } = (await crypto.subtle.exportKey("jwk", pair.publicKey)) as Key["jwk"];
  const jwk = { crv, kty, x, y }; // the members of RFC 7638, in its order
  return { kid: base64url(await sha256(utf8(JSON.stringify(jwk)))), jwk, key: pair.privateKey };
}

/** r‖s, as ES256 (RFC 7518 §3.4) and ecdsa-p256-sha256 (RFC 9421 §3.3.4) want it. */
export const signBytes = (key: Key, text: string): Promise<ArrayBuffer> =>
  crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.key, utf8(text));

/** A compact JWS (RFC 7515 §7.1). */
export async function jws(key: Key, typ: string, payload: unknown): Promise<string> {
  const header = { alg: "ES256", kid: key.kid, typ };
  const text = [header, payload].map((part) => base64url(utf8(JSON.stringify(part)))).join(".");
  return `${text}.${base64url(await signBytes(key, text))}`;
}

/** What a compact JWS says; whether it is signed rightly is not looked at. */
export const payload = (signed: string): unknown => part(signed, 1);

/** With which key, and how, it says to be signed. */
export const header = (signed: string): unknown => part(signed, 0);

function part(signed: string, n: number): unknown {
  const part = (signed.split(".")[n] ?? "").replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (one) => one.charCodeAt(0))));
}
