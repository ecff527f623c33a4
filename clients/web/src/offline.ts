/** The service worker: the page itself comes from here when there is no link. It never sees an answer of the service. */

declare const self: ServiceWorkerGlobalScope;
const CACHE = "console";
const HOME = "/console/";
const ASSETS = `${HOME}assets/`;
const BESIDE = ["icon.svg", "manifest.webmanifest"].map((name) => HOME + name);
const LATER = /^h3-js.*\.js$/; // what a report loads where it has a point

self.addEventListener("install", (event) => event.waitUntil(fetch(HOME).then(keep).then(() => self.skipWaiting())));

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/** The page says which language it speaks: it may have been loaded before this stood. Titles of problems come with it. */
self.addEventListener("message", (event) => {
  const code = String(event.data);
  const words = (name: string) => [`${code}-`, `problems-${code}-`].some((start) => name.startsWith(start)) && name.endsWith(".js");
  event.waitUntil(built().then((assets) => have(assets.filter(words))));
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.origin || !url.pathname.startsWith(HOME)) return;
  if (event.request.mode === "navigate") event.respondWith(page(event));
  else event.respondWith(url.pathname.startsWith(ASSETS) ? asset(event.request) : newest(event.request));
});

/** The names of all assets of the newest build. */
const built = async (): Promise<string[]> => (await fetch(`${HOME}assets.json`)).json() as Promise<string[]>;

/** These assets, also those that the browser still had in memory and never came by here. */
async function have(names: string[]): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const url of names.map((name) => ASSETS + name)) if (!(await cache.match(url))) await cache.add(url);
}

/** A page, once all that it needs without a link is here: the scripts and styles that it names, what a report loads later,
 * and what these name in turn: other scripts, and letters of any alphabet, for an officer without a link types in its own.
 * What only older pages needed goes.
 */
async function keep(fresh: Response): Promise<void> {
  const cache = await caches.open(CACHE);
  const [text, assets] = await Promise.all([fresh.clone().text(), built()]);
  const named = assets.filter((name) => text.includes(ASSETS + name));
  const later = assets.filter((name) => LATER.test(name));
  await have([...named, ...later]);
  for (const one of [...later, ...named.filter((name) => name.endsWith(".css"))]) {
    const said = (await (await cache.match(ASSETS + one))?.text()) ?? "";
    await have(assets.filter((name) => /\.(js|woff2)$/.test(name) && said.includes(name)));
  }
  await cache.addAll(BESIDE);
  await cache.put(HOME, fresh);
  const current = new Set(assets.map((name) => ASSETS + name));
  for (const request of await cache.keys()) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith(ASSETS) && !current.has(pathname)) await cache.delete(request);
  }
}

/** The newest page there is; the kept one without a link. */
async function page(event: FetchEvent): Promise<Response> {
  try {
    const fresh = await fetch(HOME);
    if (fresh.ok) event.waitUntil(keep(fresh.clone()));
    return fresh;
  } catch {
    return (await caches.match(HOME)) ?? Response.error();
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

/** The icon and the like keep their names: the newest there is. */
async function newest(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  try {
    const fresh = await fetch(request);
    if (fresh.ok) await cache.put(request, fresh.clone());
    return fresh;
  } catch {
    return (await cache.match(request)) ?? Response.error();
  }
}

export {};
