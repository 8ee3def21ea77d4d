// Codes that this browser reads, and verdicts that come for them or by themselves.
//
// Only the newest scan may change the screen. An answer that comes after its scan was given up,
// or after the next one began, is the gate's business (it is in the last scans) and never turns
// this screen green for somebody else.

import { post, UNREACHABLE } from "./api.js";
import * as flood from "./flood.js";
import { now, site } from "./site.js";
import { sound } from "./sounds.js";
import { refusal } from "./words.js";

const PATIENCE = 3000;
const OURS = ["handheld", "keyboard"]; // sources whose verdicts come as answers, too
const FORGOTTEN = 60_000; // how long a verdict of a scan that we gave up may still come
const OLD_GREEN = 4000;
const OLD = 15_000;
const KEPT = 50;

const known = new Set();
let latest = 0;
let flying = 0;
let givenUp = -Infinity;

function note(verdict) {
  known.add(verdict.scan);
  if (known.size > KEPT) known.delete(known.values().next().value);
}

// Nobody is there to ask: say so, loudly, and write nothing on the screen that could be taken
// for an answer.
export function refuseHere() {
  sound("agent_lost", "machine");
  document.getElementById("lost").classList.toggle("again");
}

// Everything that is under way is over.
export function forget() {
  latest += 1;
  if (flying) givenUp = Date.now();
  flood.clear();
}

export async function scan(text, source) {
  if (site.lost) return refuseHere();
  const answer = await flight(() => {
    flood.wait();
    return post("/api/scan", { text, source }, { timeout: PATIENCE });
  });
  if (answer) settle(answer);
}

// A picture that we could not read ourselves. Returns how many codes the gate saw in it.
export async function picture(blob) {
  if (site.lost || flying) return 0;
  const answer = await flight(() => post("/api/frame", blob, { timeout: PATIENCE, type: blob.type }));
  if (!answer?.ok) return 0;
  if (answer.data.verdict) settle({ ok: true, data: answer.data.verdict });
  return answer.data.seen;
}

// What staff say of a scan. Returns the code of a refusal, or nothing.
export async function act(path, body) {
  const answer = await flight(() => post(path, body));
  if (!answer) return "";
  if (!answer.ok) return answer.code;
  settle(answer);
  return "";
}

async function flight(send) {
  const mine = (latest += 1);
  flying += 1;
  const answer = await send();
  flying -= 1;
  if (answer.code === UNREACHABLE) givenUp = Date.now();
  if (answer.ok && answer.data.scan) note(answer.data);
  return mine === latest ? answer : null;
}

function settle(answer) {
  if (!answer.ok) {
    const lost = answer.code === UNREACHABLE;
    return flood.show(flood.trouble("no_answer", lost ? "" : refusal(answer.code)));
  }
  const before = flood.current();
  const overtaken = before && !answer.data.repeat && before.at > answer.data.at;
  if (overtaken) return flood.stop();
  flood.show(answer.data);
}

// A verdict that the gate tells every screen of this lane.
export function heard(verdict) {
  if (known.has(verdict.scan)) return;
  note(verdict);
  const ours = OURS.includes(verdict.source);
  if (ours && (flying > 0 || Date.now() - givenUp < FORGOTTEN)) return;
  const age = now() - verdict.at;
  if (age > (verdict.signal === "green" ? OLD_GREEN : OLD)) return;
  flood.show(verdict);
}
