// An agency with the npm library http-message-signatures: signs one request, sends it, verifies the answer.
// {"origin", "pem", "kid", "alg", "method", "target", "body", "purpose", "service"} in, what happened out.
import crypto from "node:crypto";
import { readFileSync } from "node:fs";
import { httpbis } from "http-message-signatures";
import { digest, exchange } from "./send.mjs";

const job = JSON.parse(readFileSync(0, "utf8"));
const key = crypto.createPrivateKey(job.pem);
const hash = job.alg === "ed25519" ? null : "sha256";
const options = job.alg === "ed25519" ? key : { key, dsaEncoding: "ieee-p1363" };

const headers = { Host: new URL(job.origin).host };
const fields = ["@method", "@authority", "@target-uri"];
if (job.body !== undefined) {
  headers["Content-Type"] = "application/json";
  headers["Content-Digest"] = digest(job.body);
  fields.push("content-type", "content-digest");
}
if (job.purpose !== undefined) {
  headers["sarhad-purpose"] = job.purpose;
  fields.push("sarhad-purpose");
}
const request = { method: job.method, url: job.origin + job.target, headers };
const signed = await httpbis.signMessage(
  {
    key: { id: job.kid, alg: job.alg, sign: async (data) => crypto.sign(hash, data, options) },
    name: "sig",
    fields,
    params: ["created", "expires", "keyid", "alg", "nonce", "tag"],
    paramValues: {
      nonce: crypto.randomBytes(16).toString("base64url"),
      tag: "sarhad-1",
      expires: new Date(Date.now() + 60_000),
    },
  },
  request,
);
const answer = await exchange(job, signed.headers);

const serviceKey = crypto.createPublicKey({ key: job.service, format: "jwk" });
const verifies = (response, asked) =>
  httpbis
    .verifyMessage(
      {
        keyLookup: async ({ keyid }) => ({
          id: keyid,
          algs: ["ed25519"],
          verify: async (data, signature) => keyid === job.service.kid && crypto.verify(null, data, serviceKey, signature),
        }),
        all: true,
        requiredFields: ["@status", "content-type", "content-digest"],
      },
      response,
      asked,
    )
    .then(Boolean, () => false);

const response = { status: answer.status, headers: answer.headers };
process.stdout.write(
  JSON.stringify({
    status: answer.status,
    body: answer.body.toString(),
    verified: (await verifies(response, signed)) === true && digest(answer.body) === answer.headers["content-digest"],
    otherStatus: await verifies({ ...response, status: 204 }, signed),
    otherRequest: await verifies(response, { ...signed, url: signed.url + "x" }),
  }),
);
