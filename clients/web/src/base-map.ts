/** The ground of every map: the service's own boundaries by MapLibre, which asks nobody else for anything. */

import type { FeatureCollection, Geometry } from "geojson";
import { type GeoJSONSourceSpecification, type LayerSpecification, LngLatBounds, Map as Chart, type MapOptions, NavigationControl } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import { spoken } from "./maplibre";
import baseAddress from "./generated/base.json?url";

export const REGION = new LngLatBounds([44, 33], [88, 54]);

export interface Base {
  areas: FeatureCollection<Geometry, { country: string; units: string[] }>;
  borders: Geometry;
}

let base: Promise<Base> | undefined;

/** Asked for once; again where it did not come. */
export const boundaries = (): Promise<Base> =>
  (base ??= fetch(baseAddress)
    .then((response) => response.json() as Promise<Base>)
    .catch((fault: unknown) => {
      base = undefined;
      throw fault;
    }));

/** A colour of the page by its name. */
export const tint = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

interface Look {
  areas: FeatureCollection;
  borders: Geometry;
  layers: LayerSpecification[];
  more?: Record<string, GeoJSONSourceSpecification>; // sources beside `areas` and `borders`
}

/** A map that is moved and zoomed, and never turned. */
export function mapOf(view: Omit<MapOptions, "style">, { areas, borders, layers, more }: Look): Chart {
  const map = new Chart({
    ...view,
    attributionControl: false,
    locale: spoken(),
    fadeDuration: 0,
    dragRotate: false,
    style: {
      version: 8,
      sources: {
        areas: { type: "geojson", data: areas, tolerance: 0.1 },
        borders: { type: "geojson", data: { type: "Feature", properties: {}, geometry: borders }, tolerance: 0.1 },
        ...more,
      },
      layers,
    },
  });
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.touchZoomRotate.disableRotation();
  return map;
}
