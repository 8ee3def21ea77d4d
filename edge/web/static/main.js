// Puts a gate's page together.

import { post } from "./api.js";
import { badgeFor } from "./badge.js";
import * as codes from "./codes.js";
import { deeds } from "./deeds.js";
import { byId } from "./dom.js";
import * as flood from "./flood.js";
import * as idle from "./idle.js";
import { listen } from "./live.js";
import * as lost from "./lost.js";
import * as scans from "./scans.js";
import * as sheet from "./sheet.js";
import * as signin from "./signin.js";
import { learn, onChange, site } from "./site.js";
import * as sounds from "./sounds.js";
import * as strip from "./strip.js";
import { collect } from "./wedge.js";
import * as words from "./words.js";

const { kind } = document.body.dataset;

// Less often needed than seen: loaded when a tool is touched (and kept by the service worker).
const TOOLS = {
  undo: async () => (await import("./history.js")).undoLast(),
  recent: async () => (await import("./history.js")).openRecent(),
  search: async () => (await import("./search.js")).openSearch(),
  post: async () => (await import("./posts.js")).openPosts(),
  more: async () => (await import("./more.js")).openMore(),
  lock: () => (site.lane?.session ? post("/api/sign-out") : takeOver()),
};

async function takeOver() {
  const badge = await badgeFor();
  if (badge !== null) signin.signIn({ badge });
}

// After an update of the gate, this page and the parts that it loads later must be of one piece.
function renew() {
  if (!flood.current()) location.reload();
}

function heard(news) {
  if (news.type === "beat" && site.status && site.status.version !== news.status.version) renew();
  if (news.type === "beat") learn({ status: news.status, counts: news.counts });
  if (news.type === "lane") laneChanged(news);
  if (site.lane && site.status) lost.over();
  if (news.type === "verdict") scans.heard(news.verdict);
}

function laneChanged({ lane, challenge }) {
  const now = JSON.stringify([lane.session, lane.event, lane.gate, lane.exiting, lane.practice]);
  const before = site.lane && JSON.stringify([site.lane.session, site.lane.event, site.lane.gate, site.lane.exiting, site.lane.practice]);
  if (before && now !== before) flood.clear(); // what is on show was somebody else's, or elsewhere
  learn({ lane, challenge });
}

async function begin() {
  addEventListener("unhandledrejection", ({ reason }) => {
    if (reason instanceof TypeError && reason.message.includes("import")) location.reload();
  });
  await words.load(byId("words").href);
  flood.offer(deeds);
  onChange(strip.draw);
  onChange(() => idle.draw(TOOLS.post));
  codes.onBadge((text) => signin.signIn({ badge: text }));
  collect({ code: typed, key: signin.press });
  addEventListener("pointerdown", sounds.unlock);
  addEventListener("keydown", sounds.unlock);
  for (const [name, open] of Object.entries(TOOLS)) byId(`tool-${name}`)?.addEventListener("click", open);
  listen({ heard, lost: lost.show, gone: () => location.reload() });
  if (kind === "handheld") (await import("./handheld.js")).begin();
  else (await import("./preview.js")).begin();
  await sounds.load();
  navigator.serviceWorker?.register("/sw.js");
}

// With nobody signed in, a burst is a PIN from a key pad or a badge from a reader.
function typed(text) {
  if (sheet.isOpen() || !signin.isOpen()) codes.read(text, "keyboard");
  else if (/^\d{4,12}$/.test(text)) signin.signIn({ pin: text });
  else signin.signIn({ badge: text });
}

begin();
