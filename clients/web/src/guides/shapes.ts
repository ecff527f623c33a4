/** A guide of two printed pages. «Words» like these are those of the page, in English: they are shown as the page says them. */

export interface Guide {
  name: string;
  purpose: string;
  steps: string[];
  pictures: [name: string, caption: string][];
  remember: string[];
}

export const ROLES = ["reporter", "laboratory", "analyst", "policy_officer", "key_administrator", "auditor"] as const;
export type Guides = Record<(typeof ROLES)[number], Guide>;
