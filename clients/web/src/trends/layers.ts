/** How the map looks: its layers from below, and its patterns as pixels, so that no file is asked for. */

import { type LayerSpecification } from "maplibre-gl";

export const STEPS = 5; // of shading

/** `tint` gives a colour of the page by its name. */
export const layers = (tint: (name: string) => string): LayerSpecification[] => [
  { id: "sea", type: "background", paint: { "background-color": tint("line") } },
  { id: "land", type: "fill", source: "areas", paint: { "fill-color": ["case", ["==", ["get", "look"], ""], tint("ground"), tint("card")] } },
  { id: "unshared", type: "fill", source: "areas", filter: ["==", ["get", "look"], "unshared"], paint: { "fill-pattern": "unshared" } },
  { id: "silent", type: "fill", source: "areas", filter: ["==", ["get", "look"], "silent"], paint: { "fill-pattern": "silent" } },
  { id: "amounts", type: "fill", source: "areas", filter: [">", ["get", "step"], 0], paint: shade(tint("act")) },
  { id: "divisions", type: "line", source: "areas", paint: { "line-color": tint("soft"), "line-width": 0.3 } },
  { id: "borders", type: "line", source: "borders", paint: { "line-color": tint("soft"), "line-width": 1.2 } },
  { id: "cells", type: "fill", source: "cells", paint: { ...shade(tint("act")), "fill-outline-color": tint("card") } },
  { id: "spots", type: "circle", source: "spots", paint: { "circle-color": tint("act"), "circle-radius": ["+", 3, ["*", 2, ["get", "step"]]], "circle-stroke-color": tint("card"), "circle-stroke-width": 1.5 } },
  { id: "chosen", type: "line", source: "areas", filter: ["get", "chosen"], paint: { "line-color": tint("wait"), "line-width": 3 } },
  { id: "chosen-cells", type: "line", source: "cells", filter: ["get", "chosen"], paint: { "line-color": tint("wait"), "line-width": 3 } },
  { id: "hot", type: "line", source: "hot", paint: { "line-color": tint("bad"), "line-width": 3 } },
  { id: "legs", type: "line", source: "legs", filter: ["!", ["get", "suspected"]], layout: { "line-cap": "round" }, paint: leg(tint("flow")) },
  { id: "suspected", type: "line", source: "legs", filter: ["get", "suspected"], paint: { ...leg(tint("flow")), "line-dasharray": [2, 2] } },
  {
    id: "arrows",
    type: "symbol",
    source: "legs",
    layout: { "symbol-placement": "line-center", "icon-image": "arrow", "icon-size": ["+", 0.8, ["get", "share"]], "icon-allow-overlap": true, "icon-ignore-placement": true },
  },
  { id: "ties-ground", type: "line", source: "ties", paint: { "line-color": tint("card"), "line-width": 5 } },
  { id: "ties", type: "line", source: "ties", paint: { "line-color": tint("good"), "line-width": 2 } },
  { id: "marks", type: "circle", source: "marks", filter: ["!=", ["get", "look"], "alert"], paint: { "circle-color": ["match", ["get", "look"], "group", tint("good"), tint("wait")], "circle-radius": 7, "circle-stroke-color": tint("card"), "circle-stroke-width": 2 } },
  {
    id: "alerts",
    type: "symbol",
    source: "marks",
    filter: ["==", ["get", "look"], "alert"],
    layout: { "icon-image": "alert", "icon-allow-overlap": true, "icon-ignore-placement": true },
  },
];

/** As wide as the share of the heaviest. */
const leg = (colour: string) => ({ "line-color": colour, "line-opacity": 0.85, "line-width": ["+", 1.5, ["*", 7, ["get", "share"]]] as never });

const shade = (colour: string) => ({
  "fill-color": colour,
  "fill-opacity": ["interpolate", ["linear"], ["get", "step"], 1, 0.25, STEPS, 0.95] as never,
});

type Pixels = (x: number, y: number, size: number) => boolean;
const DRAWN: Record<string, Pixels> = {
  arrow: (x, y, size) => x > 1 && Math.abs(y - size / 2) < (size - x) * 0.5,
  alert: (x, y, size) => Math.abs(x - size / 2) < y / 2 && !(Math.abs(x - size / 2) < 1.5 && y > 8 && y < 21 && y !== 17 && y !== 18),
  unshared: (x, y, size) => (x + y) % size < 2,
  silent: (x, y) => x % 6 < 2 && y % 6 < 2,
};

/** Strokes for what is not shared, dots for silence, a head for arrows, a triangle with a sign for alerts. */
export function pattern(look: string, colour: string): { width: number; height: number; data: Uint8Array } {
  const size = look === "arrow" || look === "alert" ? 24 : 12;
  const ink = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const data = new Uint8Array(size * size * 4);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      if (DRAWN[look]?.(x, y, size)) data.set([...ink, 255], (y * size + x) * 4);
    }
  return { width: size, height: size, data };
}
