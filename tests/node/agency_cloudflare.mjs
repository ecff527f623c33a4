// An agency with the npm library http-message-sig: signs one request, sends it, verifies the answer.
// {"origin", "pem", "kid", "alg", "method", "target", "body", "purpose", "service"} in, what happened out.
import crypto from "node:crypto";
import { readFileSync } from "node:fs";
import { component, createSignature, verifySignature } from "http-message-sig";
import { digest, exchange } from "./send.mjs";

const job = JSON.parse(readFileSync(0, "utf8"));
const key = crypto.createPrivateKey(job.pem);
const hash = job.alg === "ed25519" ? null : "sha256";
const options = job.alg === "ed25519" ? key : { key, dsaEncoding: "ieee-p1363" };

const headers = {};
const components = ["@method", "@authority", "@target-uri"];
if (job.body !== undefined) {
  headers["content-type"] = "application/json";
  headers["content-digest"] = digest(job.body);
  components.push("content-type", "content-digest");
}
if (job.purpose !== undefined) {
  headers["sarhad-purpose"] = job.purpose;
  components.push("sarhad-purpose");
}
const now = Math.floor(Date.now() / 1000);
const described = (extra = {}) => ({
  kind: "request",
  method: job.method,
  targetUri: job.origin + job.target,
  fields: Object.entries({ ...headers, ...extra }).map(([name, value]) => ({ name, value })),
});
const made = await createSignature(described(), {
  label: "sig",
  components,
  parameters: {
    created: now,
    expires: now + 60,
    nonce: crypto.randomBytes(16).toString("base64url"),
    keyid: job.kid,
    alg: job.alg,
    tag: "sarhad-1",
  },
  signer: { algorithm: job.alg, sign: async (data) => crypto.sign(hash, data, options) },
});
const signature = { signature: made.signature, "signature-input": made.signatureInput };
const answer = await exchange(job, { ...headers, ...signature, Host: new URL(job.origin).host });

const serviceKey = crypto.createPublicKey({ key: job.service, format: "jwk" });
const asked = described(signature);
const verifies = (status, request) =>
  verifySignature(
    { kind: "response", status, fields: answer.lines, request },
    {
      label: "sarhad",
      policy: {
        algorithms: ["ed25519"],
        requiredComponents: [
          "@status",
          "content-type",
          "content-digest",
          component("@method", { req: true }),
          component("@target-uri", { req: true }),
          component("signature", { req: true, key: "sig" }),
        ],
        requiredParameters: ["created", "keyid", "alg", "tag"],
        maxAge: 60,
      },
      resolveVerifier: () => ({
        algorithm: "ed25519",
        verify: async (data, bytes) => crypto.verify(null, data, serviceKey, bytes),
      }),
    },
  ).then(
    (result) => result.parameters.keyid === job.service.kid,
    (error) => (process.env.EXPLAIN ? console.error(error) : undefined, false),
  );

process.stdout.write(
  JSON.stringify({
    status: answer.status,
    body: answer.body.toString(),
    verified: (await verifies(answer.status, asked)) && digest(answer.body) === answer.headers["content-digest"],
    otherStatus: await verifies(204, asked),
    otherRequest: await verifies(answer.status, { ...asked, targetUri: asked.targetUri + "x" }),
  }),
);
