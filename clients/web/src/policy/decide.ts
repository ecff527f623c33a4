/** Propose a document, and approve a proposal with the passkey in hand, over the hash of what was signed. */

import { call } from "../api";
import { base64url, sha256, utf8 } from "../encoding";
import { jws } from "../keys";
import { session } from "../session";
import { type Document, type Full, owner, path } from "./shapes";

const JOSE = "application/jose";

export async function propose(document: Document, version: number): Promise<void> {
  if (!session.value) return;
  const signed = await jws(session.value.records, "sarhad-policy+jwt", { ...document, version });
  await call("POST", path("/proposals"), { text: signed, type: JOSE });
}

export async function approve({ version, signed }: Full): Promise<void> {
  if (!session.value) return;
  const proposal = path(`/proposals/${version}`);
  const asked = await call<{ ticket: string; options: unknown }>("POST", `${proposal}/challenge`);
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.options as never);
  const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
  const whose = owner();
  const approval = {
    approves: "sarhad-policy/1",
    country: whose.slice(0, 2),
    ...(whose.length > 2 ? { agency: whose } : {}),
    version,
    sha256: base64url(await sha256(utf8(signed))),
    passkey: { ticket: asked.ticket, credential: credential.toJSON() },
  };
  await call("POST", `${proposal}/approval`, { text: await jws(session.value.records, "sarhad-approval+jwt", approval), type: JOSE });
}
