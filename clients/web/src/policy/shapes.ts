/** Policies as the service tells them, and whose is looked at. */

import { country } from "../session";
import { route } from "../route";

export interface Audience {
  countries?: string[];
  groups?: string[];
  agencies?: string[];
  roles?: string[];
}

export interface Rule {
  id: string;
  effect: "permit" | "deny";
  audience: Audience;
  purposes?: string[];
  handling_up_to?: string;
  handling_from?: string;
  gives?: string;
  facets?: string[];
  time?: string;
  place?: string;
  delay_days?: number;
  obligations?: string[];
  [other: string]: unknown;
}

export interface Document {
  policy: string;
  country: string;
  agency?: string;
  version: number;
  effective?: string;
  rules: Rule[];
}

export interface Act {
  at: string;
  by?: string;
  reason?: string;
}

export interface Version {
  version: number;
  state: string;
  sha256: string;
  proposed: Act;
  approved?: Act;
  rejected?: Act;
  withdrawn?: Act;
  lapses?: string;
  effective?: string;
}

export interface Full extends Version {
  document: Document;
  signed: string;
}

export interface Overview {
  owner: string;
  latest: number;
  in_force: Full | null;
  next: Full | null;
  proposed: Full | null;
  history: Version[];
}

export interface Said {
  title: string;
  effective: string;
  rules: { id: string; text: string }[];
  closing: string[];
}

export interface Change {
  change: string;
  text: string;
}

/** `KZ`, or an agency with a ceiling of its own, `KZ-CUS`. */
export const owner = (): string => route.value.query.get("owner") ?? country();
export const path = (rest = ""): string => `/v1/policies/${owner()}${rest}`;

export const READING_ROLES = ["analyst", "reporter", "laboratory", "policy_officer", "coordinator"];
export const PURPOSES = ["operational", "analysis", "forensic", "health", "statistics"];
