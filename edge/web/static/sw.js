// Keeps the page itself, so that a reload with a dead gate still says "Don't admit". What the
// gate decides and knows is never kept: only pages and the files of this very version.

const CACHE = "usher-@HASH@";
const BASE = "/static/@HASH@/";
const FILES = [
  "tokens.css", "base.css", "gate.css", "flood.css", "sheet.css", "theme.js", "main.js", "api.js", "badge.js", "camera.js",
  "codes.js", "decoder.js", "deeds.js", "dom.js", "flood.js", "forbidden.js", "forms.js", "handheld.js", "history.js", "idle.js", "incidents.js", "live.js", "lost.js",
  "more.js", "override.js", "posts.js", "preview.js", "scans.js", "search.js", "sheet.js", "signin.js", "site.js", "sounds.js",
  "strip.js", "wedge.js", "words.js", "icons/usher.svg",
  "locales/en.json", "locales/es.json", "locales/fr.json", "locales/de.json",
  "locales/incidents/en.json", "locales/incidents/es.json", "locales/incidents/fr.json", "locales/incidents/de.json",
];
const PAGES = ["/kiosk", "/handheld"];
const PATIENCE = 2500;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES.map((name) => BASE + name))).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(tidy().then(() => self.clients.claim()));
});

async function tidy() {
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
  // The page that brought us here was loaded before we could keep it.
  for (const client of await self.clients.matchAll({ includeUncontrolled: true })) {
    const path = new URL(client.url).pathname;
    if (PAGES.includes(path)) await fetched(path).catch(() => null);
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate" && PAGES.includes(url.pathname)) event.respondWith(page(url));
  else if (url.pathname.startsWith(BASE)) event.respondWith(file(request));
});

async function page(url) {
  const kept = () => caches.match(url.pathname);
  try {
    return await fetched(url.pathname + url.search);
  } catch {
    return (await kept()) ?? Response.error();
  }
}

async function fetched(address) {
  const answer = await fetch(address, { signal: AbortSignal.timeout(PATIENCE), credentials: "same-origin" });
  const path = new URL(answer.url).pathname;
  if (answer.ok && PAGES.includes(path)) await (await caches.open(CACHE)).put(path, answer.clone());
  return answer.redirected ? Response.redirect(answer.url) : answer;
}

async function file(request) {
  const kept = await caches.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await (await caches.open(CACHE)).put(request, answer.clone());
  return answer;
}
