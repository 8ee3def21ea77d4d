// A kiosk's camera is the gate's own: we show what it sees, so that guests can aim.

import { byId, put } from "./dom.js";
import { onChange, site } from "./site.js";
import { trouble } from "./strip.js";
import { t } from "./words.js";

const AGAIN = 3000; // ms between two tries
let image = null;
let tried = 0;

export function begin() {
  image = byId("preview");
  onChange(look);
  if (image) start();
}

// The number makes browsers ask again.
function start() {
  tried = Date.now();
  image.src = `${image.dataset.src}?${tried}`;
}

// A stream that breaks off, or never begins, says nothing: the image has no size.
function watch(camera) {
  const broken = !image.naturalWidth;
  if (broken && camera?.connected && Date.now() - tried > AGAIN) start();
  image.hidden = broken || camera?.connected === false;
}

function look() {
  const camera = site.status?.cameras.find((each) => each.lane === site.lane?.id);
  byId("view").dataset.camera = !camera ? "none" : camera.connected ? "live" : "off";
  if (image) watch(camera);
  const note = byId("camera-note");
  if (!camera) put(note, t(image ? "camera.starting" : "camera.reader"));
  else if (!camera.connected) put(note, t("camera.lost"));
  else put(note, camera.warnings.length ? trouble(camera.warnings[0]) : "");
}
