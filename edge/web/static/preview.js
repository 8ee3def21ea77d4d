// A kiosk's camera is the gate's own: we show what it sees, so that guests can aim.

import { byId, put } from "./dom.js";
import { onChange, site } from "./site.js";
import { trouble } from "./strip.js";
import { t } from "./words.js";

const AGAIN = 3000;
let image = null;

export function begin() {
  image = byId("preview");
  onChange(look);
  if (!image) return;
  image.addEventListener("error", () => {
    image.hidden = true;
    setTimeout(start, AGAIN);
  });
  image.addEventListener("load", () => (image.hidden = false));
  start();
}

// The number makes browsers ask again.
function start() {
  image.src = `${image.dataset.src}?${Date.now()}`;
}

function look() {
  const camera = site.status?.cameras.find((each) => each.lane === site.lane?.id);
  const state = !camera ? "none" : camera.connected ? "live" : "off";
  byId("view").dataset.camera = state;
  const note = byId("camera-note");
  if (!camera) put(note, t(image ? "camera.starting" : "camera.reader"));
  else if (!camera.connected) put(note, t("camera.lost"));
  else put(note, camera.warnings.length ? trouble(camera.warnings[0]) : "");
  if (image && image.hidden && camera?.connected && image.complete && image.naturalWidth) image.hidden = false;
}
