/** Candidates and alerts as the service tells of them. */

export interface Candidate {
  id: string;
  rule: string;
  substance: string | null;
  record: string | null;
  facts: Record<string, unknown>;
  state: string;
  at: string;
}

export interface Answered {
  country: string;
  agency: string;
  acknowledged: string;
  action: string | null;
  useful: boolean | null;
}

export interface Alert {
  id: string;
  issuer: string;
  agency: string;
  rule: string;
  substance: string | null;
  title: string;
  text: string;
  state: string;
  level: string | null;
  handling: string | null;
  countries: string[] | null;
  records: string[];
  issued: string | null;
  ended: string | null;
  reason: string | null;
  answers?: Answered[];
  awaiting?: string[] | null;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** The colour of a card: what waits for somebody, what stands, what was taken back. */
export const card = (state: string): string =>
  `card ${{ candidate: "waiting", reviewed: "waiting", issued: "accepted", retracted: "refused" }[state] ?? ""}`;
