/** Answers of /v1/timeline. A month without a figure had none that is shared: it is left empty, never zero. Pure. */

import { csv } from "./csv";

export interface Month {
  month: string;
  precursors?: { incidents: number; by: Record<string, { incidents: number; kg: string }> };
  laboratories?: number;
  product?: { seizures: number; kg_exact: string; kg_converted: string };
}

export interface Told {
  precursors: { substance: string; source: string }[];
  months: Month[];
  caveats: string[];
  policy: string;
}

export interface Happened {
  month: string;
  of: "precursors" | "laboratories" | "product";
  number: number;
}

export const eventsOf = (months: Month[]): Happened[] =>
  months.flatMap(({ month, precursors, laboratories, product }) => [
    ...(precursors ? [{ month, of: "precursors" as const, number: precursors.incidents }] : []),
    ...(laboratories ? [{ month, of: "laboratories" as const, number: laboratories }] : []),
    ...(product ? [{ month, of: "product" as const, number: product.seizures }] : []),
  ]);

export const tableOf = (months: Month[]): string =>
  csv(
    ["month", "precursor_incidents", "laboratories", "seizures", "kg_exact", "kg_converted"],
    months.map(({ month, precursors, laboratories, product }) => [month, precursors?.incidents, laboratories, product?.seizures, product?.kg_exact, product?.kg_converted]),
  );
