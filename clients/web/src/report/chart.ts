/** A map to point at: whatever is under the cross in its middle is the place. By mouse, by touch, or by the arrow keys. */

import { LngLatBounds } from "maplibre-gl";
import { type Base, boundaries, mapOf, REGION, tint } from "../base-map";

const PIXELS = 12; // how far beside the place a careful hand points

/** The box around a country. */
function around({ features }: Base["areas"], country: string): LngLatBounds {
  const box = new LngLatBounds();
  const take = (part: unknown): void => {
    if (!Array.isArray(part)) return;
    if (typeof part[0] === "number") box.extend(part as [number, number]);
    else part.forEach(take);
  };
  for (const { geometry, properties } of features) if (properties.country === country && "coordinates" in geometry) take(geometry.coordinates);
  return box.isEmpty() ? REGION : box;
}

export interface Pointed {
  lat: string;
  lon: string;
  accuracy_m: number;
}

export interface Pointer {
  middle: () => Pointed;
  remove: () => void;
}

export async function chart(container: HTMLElement, country: string, at: { lat: string; lon: string } | null, onIdle: () => void): Promise<Pointer> {
  const { areas, borders } = await boundaries();
  const view = at ? { center: [Number(at.lon), Number(at.lat)] as [number, number], zoom: 8 } : { bounds: around(areas, country), fitBoundsOptions: { padding: 16 } };
  const map = mapOf({ container, ...view }, {
    areas,
    borders,
    layers: [
      { id: "ground", type: "background", paint: { "background-color": tint("ground") } },
      { id: "land", type: "fill", source: "areas", paint: { "fill-color": tint("card"), "fill-outline-color": tint("line") } },
      { id: "borders", type: "line", source: "borders", paint: { "line-color": tint("soft"), "line-width": 1.5 } },
    ],
  });
  map.on("click", (event) => map.easeTo({ center: event.lngLat }));
  map.on("idle", onIdle);
  const middle = (): Pointed => {
    const { lat, lng } = map.getCenter();
    const metres = (40_075_017 * Math.cos((lat * Math.PI) / 180)) / (512 * 2 ** map.getZoom()); // of a pixel
    return { lat: lat.toFixed(5), lon: lng.toFixed(5), accuracy_m: Math.min(1_000_000, Math.ceil(PIXELS * metres)) };
  };
  return { middle, remove: () => map.remove() };
}
