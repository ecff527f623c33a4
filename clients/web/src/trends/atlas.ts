/** The map by MapLibre: divisions or cells, shaded by their amounts, over the service's own boundaries. Loaded when needed. */

import type { Feature, FeatureCollection } from "geojson";
import { type GeoJSONSource, type LngLatBounds, type MapMouseEvent, Marker } from "maplibre-gl";
import { boundaries, mapOf, REGION, tint } from "../base-map";
import { type State } from "./answer";
import { layers, pattern, STEPS } from "./layers";
import { arc, boxOf, centre, dot, hexagon, type Leg, line, middle, NAMED, outline } from "./shapes";
import { type Mark, type Position, type Where } from "./where";

const NOTHING: FeatureCollection = { type: "FeatureCollection", features: [] };
const FINGER = 6; // pixels around a click

export interface Shown {
  kind: "admin1" | "cell";
  amounts: Map<string, number>;
  most: number; // what the darkest shade stands for; 0: the largest amount
  looks: Map<string, State>; // of member countries
  legs: Leg[];
  hot: string[][]; // cells of clusters
  marks: Mark[];
  ties: Where[][]; // of what belongs together
  at: string; // longitude,latitude,zoom that the map is moved to; empty: the region
  chosen: string; // a division, or the box around a cell
}

/** What is in view. */
export interface View {
  at: string; // empty: as it was shown first
  box: string;
  zoom: number;
}

export interface Atlas {
  show: (shown: Shown) => void;
  remove: () => void;
}

interface Given {
  onPick: (key: string) => void;
  onPoint: (key: string) => void;
  onMarks: (views: string[]) => void; // pages of the marks that were clicked
  onMove: (view: View) => void;
  onIdle: () => void;
  name: (country: string) => string;
}

type Place = Pick<MapMouseEvent, "point">;

export async function atlas(container: HTMLElement, first: string, given: Given): Promise<Atlas> {
  const { areas, borders } = await boundaries();
  const empty = ["cells", "spots", "legs", "hot", "marks", "ties"].map((name) => [name, { type: "geojson" as const, data: NOTHING }]);
  const map = mapOf(
    { container, ...camera(first), canvasContextAttributes: { preserveDrawingBuffer: true } }, // to be saved as a picture
    { areas: NOTHING, borders, layers: layers(tint), more: Object.fromEntries(empty) },
  );
  map.setMissingStyleImageResolver((id: string) => {
    map.addImage(id, pattern(id, tint({ arrow: "flow", alert: "bad" }[id] ?? "soft")));
  });
  let [gone, drawn] = [false, false];
  let at = first;
  let units = new Map<string, number>();
  const key = ({ point }: Place): string => {
    const [cell] = map.queryRenderedFeatures(point, { layers: ["cells"] });
    if (cell) return String(cell.properties["cell"]);
    const [area] = map.queryRenderedFeatures(point, { layers: ["land"] });
    const within = String(area?.properties["units"] ?? "").split(","); // properties of a tile are texts and numbers
    return within.find((unit) => units.has(unit)) ?? within[0] ?? "";
  };
  const marked = ({ point: { x, y } }: Place): string[] => {
    const near = map.queryRenderedFeatures([[x - FINGER, y - FINGER], [x + FINGER, y + FINGER]], { layers: ["marks", "alerts"] });
    return [...new Set(near.map(({ properties }) => String(properties["view"])))];
  };
  const choose = (place: Place) => {
    const views = marked(place);
    if (views.length) given.onMarks(views);
    else given.onPick(key(place));
  };
  const cross = (): Place => ({ point: map.project(map.getCenter()) });
  map.on("click", choose);
  map.getCanvas().addEventListener("keydown", (event) => event.key === "Enter" && choose(cross()));
  const move = (byHand: boolean) => {
    if (byHand) at = [...map.getCenter().toArray().map((end) => end.toFixed(4)), map.getZoom().toFixed(2)].map(Number).join();
    const [[west, south], [east, north]] = map.getBounds().toArray();
    const box = [Math.max(-180, west), south, Math.min(180, east), north].map((end) => Number(end.toFixed(4)));
    given.onMove({ at, box: box.join(), zoom: map.getZoom() });
  };
  map.on("moveend", (event) => {
    move(Boolean(event.originalEvent));
    if (map.getCanvas().matches(":focus-visible")) given.onPoint(key(cross()));
  });
  map.on("mousemove", (event) => given.onPoint(key(event)));
  map.on("idle", () => drawn && given.onIdle());
  const ready = new Promise<void>((resolve) => void map.once("load", () => resolve()));
  void ready.then(() => {
    if (gone) return;
    move(false);
    for (const [country, at] of Object.entries(NAMED)) new Marker({ element: label(given.name(country)) }).setLngLat(at).addTo(map);
  });

  const capital = (country: string): Position | undefined => {
    const area = areas.features.find(({ properties }) => properties.country === country);
    return NAMED[country] ?? (area && middle(area.geometry));
  };
  const spot = ({ point, cell, admin1, country }: Where): Position | undefined => {
    const area = areas.features.find(({ properties }) => admin1 && properties.units.includes(admin1));
    return point ?? (cell ? centre(cell) : area ? middle(area.geometry) : country ? capital(country) : undefined);
  };
  const show = async (shown: Shown) => {
    await ready;
    if (gone) return;
    if (shown.at !== at) {
      at = shown.at;
      const to = camera(at);
      if ("bounds" in to) map.fitBounds(to.bounds, { animate: false });
      else map.jumpTo(to);
    }
    const most = shown.most || Math.max(...shown.amounts.values(), 0);
    const step = (value: number) => (value > 0 ? Math.max(1, Math.ceil((STEPS * Math.log1p(value)) / Math.log1p(most))) : 0);
    units = shown.kind === "admin1" ? shown.amounts : new Map();
    const features = areas.features.map((area) => {
      const { country, units: within } = area.properties;
      const sum = within.reduce((total, unit) => total + (units.get(unit) ?? 0), 0);
      return { ...area, properties: { units: within.join(), look: shown.looks.get(country) ?? "", step: step(sum), chosen: within.includes(shown.chosen) } };
    });
    const put = (source: string, found: Feature[]) =>
      (map.getSource(source) as GeoJSONSource).setData({ type: "FeatureCollection", features: found });
    put("areas", features);
    put("spots", features.filter(({ properties }) => properties.step > 0).map(({ geometry, properties }) => ({ type: "Feature", properties, geometry: { type: "Point", coordinates: middle(geometry) } })));
    put("cells", shown.kind === "cell" ? [...shown.amounts].map(([cell, value]) => hexagon(cell, step(value), boxOf(cell) === shown.chosen)) : []);
    const heaviest = Math.max(...shown.legs.map(({ weight }) => weight), 0);
    put("legs", shown.legs.flatMap((leg) => {
      const [from, to] = [capital(leg.from), capital(leg.to)];
      return from && to ? [arc(leg, from, to, heaviest)] : [];
    }));
    put("hot", shown.hot.map(outline));
    const spotted = (where: Where) => [spot(where)].filter((at) => at !== undefined);
    put("marks", shown.marks.flatMap((mark) => spotted(mark.where).map((where) => dot(mark, where))));
    put("ties", shown.ties.map((tie) => line(tie.flatMap((where) => spotted(where)))));
    drawn = true;
  };
  const remove = () => {
    gone = true;
    map.remove();
  };
  return { show: (shown) => void show(shown), remove };
}

function camera(at: string): { bounds: LngLatBounds } | { center: Position; zoom: number } {
  const [longitude = NaN, latitude = NaN, zoom = NaN] = at.split(",").map(Number);
  const sound = Math.abs(longitude) <= 180 && Math.abs(latitude) <= 85 && zoom >= 0 && zoom <= 22;
  return sound && at ? { center: [longitude, latitude], zoom } : { bounds: REGION };
}

function label(text: string): HTMLElement {
  const element = document.createElement("span");
  element.className = "country";
  element.textContent = text;
  return element;
}
