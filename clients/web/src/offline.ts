/** The service worker: the page itself comes from here when there is no link. It never sees an answer of the service. */

declare const self: ServiceWorkerGlobalScope;
const CACHE = "console";
const HOME = "/console/";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.add(HOME)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.origin || !url.pathname.startsWith(HOME)) return;
  event.respondWith(event.request.mode === "navigate" ? page() : asset(event.request));
});

/** The newest page there is; the kept one without a link. */
async function page(): Promise<Response> {
  const cache = await caches.open(CACHE);
  try {
    const fresh = await fetch(HOME);
    if (fresh.ok) await cache.put(HOME, fresh.clone());
    return fresh;
  } catch {
    return (await cache.match(HOME)) ?? Response.error();
  }
}

/** Assets carry a hash of their content in their names: what is kept stays right. */
async function asset(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const known = await cache.match(request);
  if (known) return known;
  const fresh = await fetch(request);
  if (fresh.ok) await cache.put(request, fresh.clone());
  return fresh;
}

export {};
