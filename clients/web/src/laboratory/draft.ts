/** Four eyes (schemas/records/README.md): the analyst fixes an analysis, a reviewer signs it, the analyst signs the whole.

A draft's file is that of `sarhad analysis draft`, or a list of such; a review's is that of `sarhad analysis review`, one a
line. Either desk may be a console or a command line.
*/

import { base64url, random, sha256, utf8 } from "../encoding";
import { jws, type Key } from "../keys";
import { type Facets } from "../records";

const DIGESTS = 24;
const RECORD = "sarhad-record+sd-jwt", REVIEW = "sarhad-review+jwt";

export interface Payload {
  iss: string;
  jti: string;
  kind: string;
  schema: number;
  ver: number;
  prev?: string;
  handling: string;
  _sd_alg: string;
  _sd: string[];
}

export interface Draft {
  payload: Payload; // its digests without that of the laboratory facet
  laboratory: Record<string, unknown>;
  disclosures: string[];
}

export interface Version {
  agency: string;
  id: string;
  version: number;
  previous?: string; // digest of the version before
  handling: string;
}

const digest = async (text: string): Promise<string> => base64url(await sha256(utf8(text)));
const disclose = (name: string, value: unknown): string => base64url(utf8(JSON.stringify([base64url(random(16)), name, value])));

function fromBase64url(text: string): string {
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes, (one) => one.charCodeAt(0)));
}

const claims = (version: Version, kind: string, digests: string[]): Payload => ({
  iss: version.agency,
  jti: version.id,
  kind,
  schema: 1,
  ver: version.version,
  ...(version.previous ? { prev: version.previous } : {}),
  handling: version.handling,
  _sd_alg: "sha-256",
  _sd: digests.sort(),
});

async function filled(disclosures: string[], places: number): Promise<string[]> {
  const digests = await Promise.all(disclosures.map(digest));
  while (digests.length < places) digests.push(base64url(random(32)));
  return digests;
}

export async function prepare(facets: Facets, version: Version, analyst: string, reviewer: string): Promise<Draft> {
  const { laboratory, ...others } = facets;
  const disclosures = Object.entries(others).map(([name, value]) => disclose(name, value));
  return {
    payload: claims(version, "analysis", await filled(disclosures, DIGESTS - 1)),
    laboratory: { ...(laboratory as object), analyst, reviewer },
    disclosures,
  };
}

/** The facets of a draft. Throws where one is not what the digests name: whoever reviews, reviews what is filed. */
export async function opened(draft: Draft): Promise<Facets> {
  const facets: Facets = {};
  for (const disclosure of draft.disclosures) {
    const [, name, value] = JSON.parse(fromBase64url(disclosure)) as [string, string, unknown];
    if (!draft.payload._sd.includes(await digest(disclosure)) || name in facets || name === "laboratory") throw new Error(name);
    facets[name] = value;
  }
  return { ...facets, laboratory: draft.laboratory };
}

/** Canonical JSON (RFC 8785) of what records hold: text, whole numbers, truth, lists, objects with ASCII names. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`).join(",")}}`;
}

async function named({ payload, laboratory }: Draft): Promise<object> {
  const { iss, jti, kind, ver, handling, _sd } = payload;
  const content = await digest(canonical({ iss, jti, kind, ver, handling, _sd, laboratory }));
  return { iss, jti, ver, content };
}

export const countersign = async (key: Key, draft: Draft): Promise<string> => jws(key, REVIEW, await named(draft));

/** Whether a review is of this draft as it stands here. */
export async function isOf(review: string, draft: Draft): Promise<boolean> {
  try {
    return canonical(JSON.parse(fromBase64url(review.split(".")[1] ?? ""))) === canonical(await named(draft));
  } catch {
    return false;
  }
}

export async function complete(key: Key, draft: Draft, review: string): Promise<string> {
  const laboratory = disclose("laboratory", { ...draft.laboratory, review });
  const _sd = [...draft.payload._sd, await digest(laboratory)].sort();
  const jwt = await jws(key, RECORD, { ...draft.payload, _sd });
  return [jwt, ...draft.disclosures, laboratory, ""].join("~");
}

/** The version that withdraws an analysis; nobody reviews it. */
export async function retraction(key: Key, version: Version, facets: Facets): Promise<string> {
  const disclosures = Object.entries(facets).map(([name, value]) => disclose(name, value));
  const jwt = await jws(key, RECORD, claims(version, "retraction", await filled(disclosures, DIGESTS)));
  return [jwt, ...disclosures, ""].join("~");
}

/** The drafts of a file. Throws where it is none. */
export async function draftsIn(text: string): Promise<{ draft: Draft; facets: Facets }[]> {
  const found = JSON.parse(text) as Draft | Draft[];
  return Promise.all([found].flat().map(async (draft) => ({ draft, facets: await opened(draft) })));
}
