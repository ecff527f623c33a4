/** MapLibre's worker, vouched for once, and what it says of itself, in the language of the page. */

import { setWorkerUrl } from "maplibre-gl";
import workerAddress from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { t } from "./words";

const WORKER = new URL(workerAddress, location.origin).href;

/** MapLibre asks for its worker by a string; under Trusted Types the page vouches for this one address. */
function vouch(): void {
  const types = (globalThis as { trustedTypes?: { createPolicy: (name: string, rules: object) => { createScriptURL: (url: string) => string } } }).trustedTypes;
  if (types) {
    const policy = types.createPolicy("maplibre", {
      createScriptURL: (url: string) => {
        if (url !== WORKER) throw new TypeError(url);
        return url;
      },
    });
    const Plain = globalThis.Worker;
    globalThis.Worker = class extends Plain {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(policy.createScriptURL(String(url)), options);
      }
    };
  }
  setWorkerUrl(WORKER);
}
vouch();

export const spoken = (): Record<string, string> => ({
  "Map.Title": t("Map"),
  "NavigationControl.ZoomIn": t("Zoom in"),
  "NavigationControl.ZoomOut": t("Zoom out"),
});
