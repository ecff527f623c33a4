/** Where things are, as far as that is disclosed. Pure, and without H3, which comes with the map. */

export type Position = [number, number]; // longitude, latitude

/** Where something is, as finely as that is disclosed. */
export interface Where {
  point?: Position;
  cell?: string;
  admin1?: string;
  country?: string;
}

export function whereOf(facets: Record<string, unknown>): Where {
  const point = facets["where.point"] as { lat?: string; lon?: string } | undefined;
  const [cell, division, country] = [facets["where.cell"], facets["where.admin1"] as { code?: string } | undefined, facets["where.country"]];
  return {
    ...(point?.lat && point.lon ? { point: [Number(point.lon), Number(point.lat)] } : {}),
    ...(typeof cell === "string" ? { cell } : {}),
    ...(division?.code ? { admin1: division.code } : {}),
    ...(typeof country === "string" ? { country } : {}),
  };
}

/** One thing that stands on the map by itself, and the page that tells of it. */
export interface Mark {
  look: "record" | "alert" | "group";
  where: Where;
  view: string;
  said: string;
}

/** What two boxes (west,south,east,north) have in common; empty: nothing. */
export function common(a: string, b: string): string {
  const [one, two] = [a, b].map((box) => box.split(",").map(Number)) as [number[], number[]];
  const ends = one.map((end, n) => (n < 2 ? Math.max(end, two[n] ?? end) : Math.min(end, two[n] ?? end))) as [number, number, number, number];
  return ends[0] <= ends[2] && ends[1] <= ends[3] ? ends.join() : "";
}
