/** What is drawn on the map, as GeoJSON. Pure. */

import type { Feature, Geometry } from "geojson";
import { cellsToMultiPolygon, cellToBoundary, cellToLatLng } from "h3-js";
import { type Mark, type Position } from "./where";

/** Where the names of countries stand, and where their arrows begin and end. */
export const NAMED: Record<string, [number, number]> = {
  KZ: [67.3, 48.2], KG: [74.6, 41.45], TJ: [70.9, 38.6], TM: [59.2, 39.2], UZ: [63.3, 41.9], AZ: [47.8, 40.4],
  RU: [62, 55.6], AF: [66, 34], IR: [54.5, 33.5], CN: [84.5, 40.5], PK: [69.5, 29.5], MN: [96, 46.5],
};

export const hexagon = (cell: string, step: number, chosen: boolean): Feature => ({
  type: "Feature",
  properties: { cell, step, chosen },
  geometry: { type: "Polygon", coordinates: [cellToBoundary(cell, true)] },
});

export const centre = (cell: string): Position => {
  const [latitude, longitude] = cellToLatLng(cell);
  return [longitude, latitude];
};

/** west,south,east,north around a cell, outwards to a ten-thousandth of a degree. */
export function boxOf(cell: string): string {
  const corners = cellToBoundary(cell, true);
  const [lon, lat] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const ends = [Math.min(...lon), Math.min(...lat), Math.max(...lon), Math.max(...lat)];
  return ends.map((end, n) => ((n < 2 ? Math.floor : Math.ceil)(end * 1e4) / 1e4).toString()).join();
}

/** Around the cells of one cluster. */
export function boxAround(cells: string[]): string {
  const boxes = cells.map((cell) => boxOf(cell).split(",").map(Number));
  const ends = (n: number) => boxes.map((box) => box[n] ?? 0);
  return [Math.min(...ends(0)), Math.min(...ends(1)), Math.max(...ends(2)), Math.max(...ends(3))].join();
}

/** The middle of the box around a geometry. */
export function middle(geometry: Geometry): Position {
  const [lon, lat]: [number[], number[]] = [[], []];
  const walk = (part: unknown): void => {
    if (!Array.isArray(part)) return;
    if (typeof part[0] === "number") lon.push(part[0]), lat.push(part[1] as number);
    else part.forEach(walk);
  };
  walk((geometry as { coordinates?: unknown }).coordinates);
  const half = (ends: number[]) => (Math.min(...ends) + Math.max(...ends)) / 2;
  return [half(lon), half(lat)];
}

export const dot = ({ look, view }: Mark, coordinates: Position): Feature => ({
  type: "Feature",
  properties: { look, view },
  geometry: { type: "Point", coordinates },
});

export const line = (coordinates: Position[]): Feature => ({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates } });

export interface Leg {
  from: string;
  to: string; // country
  suspected: boolean;
  weight: number;
}

const SEGMENTS = 48;
const BEND = 0.22; // of the length, to the left: there and back are two lines

/** A curve (quadratic Bézier) from country to country: curved lines with arrowheads are read best (Jenny et al., 2018). */
export function arc({ suspected, weight }: Leg, [x0, y0]: Position, [x1, y1]: Position, heaviest: number): Feature {
  const [cx, cy] = [(x0 + x1) / 2 - (y1 - y0) * BEND, (y0 + y1) / 2 + (x1 - x0) * BEND];
  const coordinates = Array.from({ length: SEGMENTS + 1 }, (_, n) => {
    const [t, u] = [n / SEGMENTS, 1 - n / SEGMENTS];
    return [u * u * x0 + 2 * u * t * cx + t * t * x1, u * u * y0 + 2 * u * t * cy + t * t * y1];
  });
  const share = heaviest ? weight / heaviest : 0;
  return { type: "Feature", properties: { suspected, share }, geometry: { type: "LineString", coordinates } };
}

/** Around the cells of one cluster. */
export const outline = (cells: string[]): Feature => ({
  type: "Feature",
  properties: {},
  geometry: { type: "MultiPolygon", coordinates: cellsToMultiPolygon(cells, true) },
});
