// Verifies one SD-JWT with @sd-jwt/core: {"record", "jwk"} in, the disclosed payload out.
// Only the library decides; this file lends it WebCrypto.
import { readFileSync } from "node:fs";
import { createHash, webcrypto } from "node:crypto";
import { SDJwtInstance } from "@sd-jwt/core";

const { record, jwk } = JSON.parse(readFileSync(0, "utf8"));
const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const algorithm = jwk.kty === "OKP" ? { name: "Ed25519" } : ecdsa;
const { kty, crv, x, y } = jwk;
const key = await webcrypto.subtle.importKey("jwk", { kty, crv, x, y }, algorithm, true, ["verify"]);

const library = new SDJwtInstance({
  hasher: (data, name) => createHash(name.replace("-", "")).update(data).digest(),
  hashAlg: "sha-256",
  verifier: (data, signature) =>
    webcrypto.subtle.verify(algorithm, key, Buffer.from(signature, "base64url"), Buffer.from(data)),
});
const { payload } = await library.verify(record);
process.stdout.write(JSON.stringify(payload));
