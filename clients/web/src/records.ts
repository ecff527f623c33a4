/** Records as SD-JWT (RFC 9901): one salted disclosure for each facet, digests filled up with decoys, signed here. */

import { base64url, random, sha256, utf8 } from "./encoding";
import { jws, type Key } from "./keys";

const DIGESTS = 24; // every record carries this many, so that nobody can count its facets
const TYPE = "sarhad-record+sd-jwt";
const H3_RESOLUTION = 5;

export type Facets = Record<string, unknown>;

export interface Draft {
  id: string; // a random UUID
  agency: string;
  kind: "seizure" | "zero" | "retraction";
  version?: number; // from 2 on
  previous?: string; // digest of the version before
  handling: string;
  facets: Facets;
}

export async function issue(key: Key, draft: Draft): Promise<string> {
  const facets = await withLadders(draft.facets);
  const disclosures = Object.entries(facets).map(([name, value]) =>
    base64url(utf8(JSON.stringify([base64url(random(16)), name, value]))),
  );
  const digests = await Promise.all(disclosures.map(async (one) => base64url(await sha256(utf8(one)))));
  while (digests.length < DIGESTS) digests.push(base64url(random(32)));
  const jwt = await jws(key, TYPE, {
    iss: draft.agency,
    jti: draft.id,
    kind: draft.kind,
    schema: 1,
    ver: draft.version ?? 1,
    ...(draft.previous ? { prev: draft.previous } : {}),
    handling: draft.handling,
    _sd_alg: "sha-256",
    _sd: digests.sort(),
  });
  return [jwt, ...disclosures, ""].join("~");
}

/** The coarser values that finer ones imply: day of an instant, month of a day, cell of a point. */
export async function withLadders(given: Facets): Promise<Facets> {
  const facets: Facets = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const instant = facets["when.instant"];
  if (typeof instant === "string") facets["when.day"] = instant.slice(0, 10);
  const day = facets["when.day"];
  if (typeof day === "string") facets["when.month"] = day.slice(0, 7);
  const point = facets["where.point"] as { lat?: string; lon?: string } | undefined;
  if (point?.lat !== undefined && point.lon !== undefined) {
    const { latLngToCell } = await import("h3-js"); // large, and needed where there is a point only
    facets["where.cell"] = latLngToCell(Number(point.lat), Number(point.lon), H3_RESOLUTION);
  }
  return facets;
}

/** A moment with the offset of this device: the local calendar decides day and month. */
export function instant(local: string): string {
  const minutes = -new Date(local).getTimezoneOffset();
  const two = (n: number) => String(Math.floor(Math.abs(n))).padStart(2, "0");
  return `${local.slice(0, 16)}:00${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}

/** This minute on the clock of this device, as a field of a form takes it. */
export const now = (): string => new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
