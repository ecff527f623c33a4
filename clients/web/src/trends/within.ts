/** Whether a record answers to the filters of the page, by what is disclosed of it. Pure. */

import { type Asked } from "./question";
import { type Position, whereOf } from "./where";

interface Disclosed {
  owner: string;
  facets: Record<string, unknown>;
  derived?: { items: { substance?: string }[] };
}

const inBox = ([lon, lat]: Position, box: string): boolean => {
  const [west = NaN, south = NaN, east = NaN, north = NaN] = box.split(",").map(Number);
  return west <= lon && lon <= east && south <= lat && lat <= north;
};

/** `substances`: the chosen one with what is below it, or nothing where none is chosen. */
export function fits({ owner, facets, derived }: Disclosed, asked: Asked, substances: string[] | null, centre: (cell: string) => Position): boolean {
  const { from, to, bbox } = asked;
  const where = whereOf(facets);
  const month = String(facets["when.instant"] ?? facets["when.day"] ?? facets["when.month"] ?? "").slice(0, 7);
  const spot = where.point ?? (where.cell && centre(where.cell));
  return (
    (!asked["owner"] || owner === asked["owner"]) &&
    (!asked["country"] || where.country === asked["country"]) &&
    (!asked["admin1"] || where.admin1 === asked["admin1"]) &&
    (!from || month >= from.slice(0, 7)) &&
    (!to || (month !== "" && month < to.slice(0, 7))) &&
    (!bbox || (spot !== undefined && spot !== "" && inBox(spot, bbox))) &&
    (!substances || (derived?.items ?? []).some(({ substance }) => substance && substances.includes(substance)))
  );
}
