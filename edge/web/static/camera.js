// A phone's camera as a reader, and the screen that stays on for it: the browser's own detector where there is one, else our decoder
// in a worker; and where neither reads anything for a while, a picture goes to the gate.

const EVERY = 60; // ms between two pictures
const WIDTH = 960; // of what our decoder looks at
const PATIENCE = 1500; // ms without a code until the gate is asked
const LONGEST = 6000; // between two pictures to the gate while it sees nothing, either
const ASKED = { video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 960 } }, audio: false };

const canvas = document.createElement("canvas");
let stream = null;
let starting = false;
let video = null;
let detector = null;
let worker = null;
let waiting = null; // for the worker's answer
let told = () => {};
let read = () => {};
let unread = async () => 0;
let askAt = 0;
let pause = PATIENCE;

export const onState = (listener) => (told = listener);
export const onCode = (listener) => (read = listener);
export const onUnread = (listener) => (unread = listener);

export async function start(element) {
  if (stream || starting) {
    if (stream && element.paused) element.play().catch(() => {}); // moved in the page: it plays on
    return;
  }
  video = element;
  if (!navigator.mediaDevices) return told("insecure");
  starting = true;
  told("starting");
  try {
    stream = await navigator.mediaDevices.getUserMedia(ASKED);
    stream.getVideoTracks()[0].addEventListener("ended", ended);
    video.srcObject = stream;
    await video.play();
    await choose();
    told("live");
    later();
    look();
  } catch (error) {
    stop();
    told({ NotAllowedError: "denied", NotFoundError: "none", OverconstrainedError: "none" }[error.name] ?? "busy");
  } finally {
    starting = false;
  }
}

export function stop() {
  if (!stream) return;
  for (const track of stream.getTracks()) track.stop();
  stream = null;
  video.srcObject = null;
  told("off");
}

function ended() {
  stop();
  told("busy");
}

async function choose() {
  if (detector || worker) return;
  const native = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats() : [];
  if (native.includes("qr_code")) detector = new BarcodeDetector({ formats: ["qr_code"] });
  else engage();
}

function engage() {
  worker = new Worker(new URL("decoder.js", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }) => (data.broken ? disengage() : answered(data.texts));
  worker.onerror = disengage;
}

// Without a decoder, the gate reads for us.
function disengage() {
  worker?.terminate();
  worker = null;
  answered([]);
}

function answered(texts) {
  waiting?.(texts);
  waiting = null;
}

async function look() {
  if (!stream) return;
  const texts = await texts_in();
  if (!stream) return;
  if (texts.length === 1) {
    later();
    read(texts);
  } else if (texts.length > 1 || performance.now() > askAt) await askGate();
  setTimeout(look, EVERY);
}

async function texts_in() {
  if (!video.videoWidth || video.paused) return [];
  if (detector) return distinct((await detector.detect(video).catch(() => [])).map((code) => code.rawValue));
  if (!worker) return [];
  const image = draw(WIDTH).getImageData(0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => {
    waiting = (texts) => resolve(distinct(texts));
    worker.postMessage(image, [image.data.buffer]);
  });
}

const distinct = (texts) => [...new Set(texts)];

function draw(width) {
  const scale = Math.min(1, width / video.videoWidth);
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  return context;
}

function later(ms = PATIENCE) {
  pause = ms;
  askAt = performance.now() + pause;
}

// The same empty view costs less and less: a battery has to last the evening.
async function askGate() {
  if (!video.videoWidth) return later();
  draw(1920);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
  const seen = blob ? await unread(blob) : 0;
  later(seen ? PATIENCE : Math.min(LONGEST, pause * 1.5));
}

const track = () => stream?.getVideoTracks()[0];

export const hasLight = () => Boolean(track()?.getCapabilities?.().torch);

// Returns whether the light is on.
export async function light(on) {
  if (!hasLight()) return false;
  try {
    await track().applyConstraints({ advanced: [{ torch: on }] });
    return on;
  } catch {
    return false;
  }
}

let awake = null;

// A screen that scans stays on.
export async function keepAwake(on) {
  if (!on) {
    awake?.release();
    awake = null;
  } else if (!awake && "wakeLock" in navigator) {
    try {
      awake = await navigator.wakeLock.request("screen");
      awake.addEventListener("release", () => (awake = null));
    } catch {
      awake = null; // battery saving forbids it; the phone's own time-out holds
    }
  }
}
