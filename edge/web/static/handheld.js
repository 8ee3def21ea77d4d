// What a phone adds to a gate's page: its camera, its light, and a screen that stays on.

import { lend } from "./badge.js";
import { isBadge, read } from "./codes.js";
import { byId, put } from "./dom.js";
import { picture, refuseHere } from "./scans.js";
import * as sheet from "./sheet.js";
import { onChange, signedIn, site } from "./site.js";
import { t } from "./words.js";

const UNSEEN = 2000; // ms after which the same code is a new scan
const view = byId("view");
const home = view.parentElement;
const torch = byId("tool-torch");
let last = "";
let lastSeen = -Infinity;
let moved = false;
let camera = null;

export function begin() {
  lend({ move, home: back });
  torch.addEventListener("click", light);
  torch.setAttribute("aria-pressed", "false");
  onChange(want);
  document.addEventListener("visibilitychange", want);
  want();
}

// The camera runs while somebody scans, or a badge is asked for.
function want() {
  const shown = document.visibilityState === "visible";
  if (shown && (signedIn() || moved)) engage();
  else camera?.stop();
  if (camera) camera.keepAwake(shown && signedIn());
}

let loading = null;

function engage() {
  if (camera) return camera.start(byId("video"));
  loading ??= import("./camera.js").then((loaded) => {
    camera = loaded;
    camera.onState(tell);
    camera.onCode(seen);
    camera.onUnread((blob) => (moved || sheet.isOpen() ? 0 : picture(blob)));
    want();
  });
}

function move(place) {
  moved = true;
  place.append(view);
  want();
}

function back() {
  if (!moved) return;
  moved = false;
  home.insertBefore(view, byId("notice"));
  want();
}

function seen(texts) {
  const text = texts[0];
  const now = performance.now();
  const same = text === last && now - lastSeen < UNSEEN;
  lastSeen = now;
  if (same || (sheet.isOpen() && !moved)) return;
  last = text;
  if (moved && !isBadge(text)) return; // a poster behind the badge
  if (site.lost) return refuseHere();
  read(text, "handheld");
}

function tell(state) {
  view.dataset.camera = state === "live" ? "live" : "none";
  put(byId("camera-note"), state === "live" ? (moved ? t("badge.wait") : t("board.point")) : t(`camera.${state}`));
  torch.disabled = !camera.hasLight();
  torch.title = torch.disabled ? t("camera.no_torch") : "";
}

async function light() {
  const on = Boolean(camera) && (await camera.light(torch.getAttribute("aria-pressed") !== "true"));
  torch.setAttribute("aria-pressed", String(on));
}
