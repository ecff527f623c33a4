/** The map by MapLibre: divisions or cells, shaded by their amounts, over the service's own boundaries. Loaded when needed. */

import type { Feature, FeatureCollection, Geometry } from "geojson";
import { type GeoJSONSource, LngLatBounds, Map as Chart, type MapMouseEvent, Marker, NavigationControl } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import "../maplibre";
import baseAddress from "../generated/base.json?url";
import { type State } from "./answer";
import { layers, pattern, STEPS } from "./layers";
import { arc, boxOf, hexagon, type Leg, middle, NAMED, outline } from "./shapes";

const NOTHING: FeatureCollection = { type: "FeatureCollection", features: [] };

export interface Shown {
  kind: "admin1" | "cell";
  amounts: Map<string, number>;
  most: number; // what the darkest shade stands for; 0: the largest amount
  looks: Map<string, State>; // of member countries
  legs: Leg[];
  hot: string[][]; // cells of clusters
  chosen: string; // a division, or the box around a cell
}

export interface Atlas {
  show: (shown: Shown) => void;
  remove: () => void;
}

interface Given {
  onPick: (key: string) => void;
  onPoint: (key: string) => void;
  onIdle: () => void;
  name: (country: string) => string;
}

type Base = { areas: FeatureCollection<Geometry, { country: string; units: string[] }>; borders: Geometry };
let base: Promise<Base> | undefined;
const loaded = (): Promise<Base> => (base ??= fetch(baseAddress).then((response) => response.json()));

export async function atlas(container: HTMLElement, given: Given): Promise<Atlas> {
  const { areas, borders } = await loaded();
  const tint = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const map = new Chart({
    container,
    bounds: new LngLatBounds([44, 33], [88, 54]),
    attributionControl: false,
    fadeDuration: 0,
    canvasContextAttributes: { preserveDrawingBuffer: true }, // to be saved as a picture
    dragRotate: false,
    style: {
      version: 8,
      sources: {
        areas: { type: "geojson", data: NOTHING, tolerance: 0.1 },
        borders: { type: "geojson", data: { type: "Feature", properties: {}, geometry: borders }, tolerance: 0.1 },
        cells: { type: "geojson", data: NOTHING },
        spots: { type: "geojson", data: NOTHING },
        legs: { type: "geojson", data: NOTHING },
        hot: { type: "geojson", data: NOTHING },
      },
      layers: layers(tint),
    },
  });
  map.setMissingStyleImageResolver((id: string) => {
    map.addImage(id, pattern(id, tint(id === "arrow" ? "flow" : "soft")));
  });
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.touchZoomRotate.disableRotation();
  let [gone, drawn] = [false, false];
  let units = new Map<string, number>();
  const key = (event: MapMouseEvent): string => {
    const [cell] = map.queryRenderedFeatures(event.point, { layers: ["cells"] });
    if (cell) return String(cell.properties["cell"]);
    const [area] = map.queryRenderedFeatures(event.point, { layers: ["land"] });
    const within = JSON.parse(String(area?.properties["units"] ?? "[]")) as string[];
    return within.find((unit) => units.has(unit)) ?? within[0] ?? "";
  };
  map.on("click", (event) => given.onPick(key(event)));
  map.on("mousemove", (event) => given.onPoint(key(event)));
  map.on("idle", () => drawn && given.onIdle());
  const ready = new Promise<void>((resolve) => void map.once("load", () => resolve()));
  void ready.then(() => {
    if (gone) return;
    for (const [country, at] of Object.entries(NAMED)) new Marker({ element: label(given.name(country)) }).setLngLat(at).addTo(map);
  });

  const at = (country: string) => {
    const area = areas.features.find(({ properties }) => properties.country === country);
    return NAMED[country] ?? (area && middle(area.geometry));
  };
  const show = async (shown: Shown) => {
    await ready;
    if (gone) return;
    const most = shown.most || Math.max(...shown.amounts.values(), 0);
    const step = (value: number) => (value > 0 ? Math.max(1, Math.ceil((STEPS * Math.log1p(value)) / Math.log1p(most))) : 0);
    units = shown.kind === "admin1" ? shown.amounts : new Map();
    const features = areas.features.map((area) => {
      const { country, units: within } = area.properties;
      const sum = within.reduce((total, unit) => total + (units.get(unit) ?? 0), 0);
      return { ...area, properties: { units: within, look: shown.looks.get(country) ?? "", step: step(sum), chosen: within.includes(shown.chosen) } };
    });
    const put = (source: string, found: Feature[]) =>
      (map.getSource(source) as GeoJSONSource).setData({ type: "FeatureCollection", features: found });
    put("areas", features);
    put("spots", features.filter(({ properties }) => properties.step > 0).map(({ geometry, properties }) => ({ type: "Feature", properties, geometry: { type: "Point", coordinates: middle(geometry) } })));
    put("cells", shown.kind === "cell" ? [...shown.amounts].map(([cell, value]) => hexagon(cell, step(value), boxOf(cell) === shown.chosen)) : []);
    const heaviest = Math.max(...shown.legs.map(({ weight }) => weight), 0);
    put("legs", shown.legs.flatMap((leg) => {
      const [from, to] = [at(leg.from), at(leg.to)];
      return from && to ? [arc(leg, from, to, heaviest)] : [];
    }));
    put("hot", shown.hot.map(outline));
    drawn = true;
  };
  const remove = () => {
    gone = true;
    map.remove();
  };
  return { show: (shown) => void show(shown), remove };
}

function label(text: string): HTMLElement {
  const element = document.createElement("span");
  element.className = "country";
  element.textContent = text;
  return element;
}
