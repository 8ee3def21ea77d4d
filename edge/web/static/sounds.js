// One sound says it all. The table comes from the gate, so that its own speaker sounds alike;
// until it is here, each signal has one of ours.

import { get } from "./api.js";

const OURS = {
  green: [{ hz: 1320, ms: 140 }],
  amber: [{ hz: 660, ms: 130, gap_ms: 50 }, { hz: 990, ms: 190 }],
  red: [{ hz: 160, ms: 230, wave: "sawtooth", gap_ms: 90 }, { hz: 160, ms: 330, wave: "sawtooth" }],
  machine: [0, 1, 2, 3].map((n) => ({ hz: n % 2 ? 440 : 740, ms: 150, wave: "square", gap_ms: 20 })),
  vibration: { green: [60], amber: [60, 60, 120], red: [220, 90, 320], machine: [90, 60, 90, 60, 90, 60, 90] },
};
const RAMP = 0.008; // seconds: without it, speakers click
let table = OURS;
let audio = null;

export async function load() {
  const answer = await get("/api/sounds.json");
  if (answer.ok) table = { ...OURS, ...answer.data, vibration: { ...OURS.vibration, ...answer.data.vibration } };
}

// Browsers let a page sound only after somebody has touched it.
export function unlock() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
}

export const muted = () => audio?.state !== "running";

export function sound(code, signal) {
  const played = { code, signal, muted: muted() };
  document.dispatchEvent(new CustomEvent("usher:sound", { detail: played }));
  if (navigator.userActivation?.hasBeenActive ?? true) navigator.vibrate?.(table.vibration[code] ?? table.vibration[signal] ?? []);
  if (played.muted) return;
  let at = audio.currentTime + 0.01;
  for (const tone of table[code] ?? table[signal] ?? []) at = play(tone, at);
}

function play({ hz, ms, wave = "sine", gap_ms = 0, gain = 0.6 }, at) {
  const end = at + ms / 1000;
  if (hz > 0) {
    const source = new OscillatorNode(audio, { type: wave, frequency: hz });
    const level = new GainNode(audio, { gain: 0 });
    level.gain.setValueAtTime(0, at);
    level.gain.linearRampToValueAtTime(gain, at + RAMP);
    level.gain.setValueAtTime(gain, end - RAMP);
    level.gain.linearRampToValueAtTime(0, end);
    source.connect(level).connect(audio.destination);
    source.start(at);
    source.stop(end);
  }
  return end + gap_ms / 1000;
}
