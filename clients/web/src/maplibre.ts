/** MapLibre's worker, vouched for once. */

import { setWorkerUrl } from "maplibre-gl";
import workerAddress from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";

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
