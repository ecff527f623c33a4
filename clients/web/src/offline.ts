/** The service worker: the page itself comes from here when there is no link. It never sees an answer of the service. */

declare const self: ServiceWorkerGlobalScope;
const CACHE = "console";
const HOME = "/console/";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.add(HOME)).then(keepNamed).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.origin || !url.pathname.startsWith(HOME)) return;
  event.respondWith(event.request.mode === "navigate" ? page(event) : asset(event.request));
});

/** The scripts and styles that the kept page names, and the letters that its styles name: of any alphabet, for an officer
 * without a link types in its own. What the browser still had in memory never came by here.
 */
async function keepNamed(): Promise<void> {
  const cache = await caches.open(CACHE);
  const said = async (url: string): Promise<string> => (await (await cache.match(url))?.text()) ?? "";
  const keep = async (urls: string[]): Promise<void> => {
    for (const url of urls) if (!(await cache.match(url))) await cache.add(url);
  };
  const named = (await said(HOME)).match(/\/console\/assets\/[^"]+/g) ?? [];
  await keep(named);
  for (const style of named.filter((url) => url.endsWith(".css"))) {
    await keep((await said(style)).match(/\/console\/assets\/[^)"']+\.woff2/g) ?? []);
  }
}

/** The newest page there is; the kept one without a link. */
async function page(event: FetchEvent): Promise<Response> {
  const cache = await caches.open(CACHE);
  try {
    const fresh = await fetch(HOME);
    if (fresh.ok) {
      await cache.put(HOME, fresh.clone());
      event.waitUntil(keepNamed());
    }
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
