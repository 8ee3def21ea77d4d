// The whole screen for one verdict: what is on show, for how long, and how it is said.

import { byId, el, icon, remembered } from "./dom.js";
import { now, site } from "./site.js";
import { sound } from "./sounds.js";
import { ago, clock, has, many, t } from "./words.js";

const STALE = 150; // ms after which an old verdict no longer looks like one
const SLOW = 500;
const SMALLEST = 4; // steps of the letters' size
const flood = byId("flood");
let shown = null;
let waiting = [];
let expiry = 0;
let deeds = () => "";

export const current = () => shown;

// `maker` returns what staff may do about a verdict.
export function offer(maker) {
  deeds = maker;
}

// A verdict that this page gives by itself, of the gate's trouble and never of a ticket.
export const trouble = (code, said = "") => ({ code, signal: "machine", said, scan: "", at: now(), actions: [] });

export function show(verdict, { quiet = false } = {}) {
  const same = shown !== null && verdict.scan !== "" && shown.scan === verdict.scan;
  stop();
  if (same && shown.signal === verdict.signal) return; // and a half-filled form stays as it is
  clearTimeout(expiry);
  shown = verdict;
  const calm = quiet || verdict.repeat;
  fill(verdict.signal, [body(verdict), deeds(verdict)]);
  flood.dataset.fresh = calm ? "no" : "yes";
  if (!calm) sound(verdict.code, verdict.signal);
  const seconds = stay(verdict);
  if (seconds > 0) expiry = setTimeout(clear, seconds * 1000);
  if (verdict.signal !== "green") flood.querySelector(".word").focus({ preventScroll: true });
}

// The answer is on its way: whatever is on show belongs to somebody else by now.
export function wait() {
  stop();
  waiting = [setTimeout(() => (flood.dataset.stale = "yes"), STALE), setTimeout(checking, SLOW)];
}

// Nothing came of it, as when a picture had no code in it: what was on show stands.
export function stop() {
  waiting.forEach(clearTimeout);
  flood.dataset.stale = "no";
}

export function clear() {
  stop();
  clearTimeout(expiry);
  shown = null;
  flood.hidden = true;
  delete flood.dataset.signal;
  delete document.body.dataset.signal;
  flood.replaceChildren();
}

function checking() {
  clearTimeout(expiry);
  shown = null;
  fill("checking", [
    el("div", { class: "body" },
      el("div", { class: "shape spinner" }),
      el("h2", { class: "word", tabindex: "-1", text: t("verdict.checking.word") }),
      el("p", { class: "say", text: t("verdict.checking.say") })),
  ]);
  flood.dataset.stale = "no";
}

function fill(signal, parts) {
  flood.dataset.signal = signal;
  document.body.dataset.signal = signal;
  const verdict = el("div", { class: "verdict" }, ...parts);
  flood.replaceChildren(verdict);
  flood.hidden = false;
  new ResizeObserver(() => fit(verdict)).observe(verdict.firstElementChild);
}

// Long names and small screens: smaller letters first, scrolling only after that.
function fit(verdict) {
  const inside = verdict.firstElementChild;
  for (let step = 2; step <= SMALLEST && inside.scrollHeight > inside.clientHeight + 1; step += 1) verdict.dataset.fit = step;
}

function stay(verdict) {
  if (verdict.signal !== "green") return 0;
  return verdict.actions.includes("people") ? 0 : Number(remembered("green", "4"));
}

function body(verdict) {
  const word = t(`verdict.${verdict.code}.word`);
  const longest = Math.max(...word.split(/\s+/).map((part) => part.length));
  const long = longest > 11 || word.length > 18 ? "very" : longest > 8 || word.length > 12 ? "some" : "no";
  return el("div", { class: "body" },
    icon(verdict.signal, "shape"),
    el("h2", { class: "word", tabindex: "-1", data: { long }, text: word }),
    ...LINES[verdict.signal](verdict),
    facts(verdict),
    ...notes(verdict));
}

const line = (kind, text) => text && el("p", { class: kind, text });
const saying = (verdict, part) => {
  const code = `verdict.${verdict.code}.${part}`;
  return has(code) ? t(code) : "";
};

const LINES = {
  green: (v) => [line("look", v.attention), line("say", passing(v))],
  amber: (v) => [line("look", v.attention), line("say", saying(v, "do")), line("note", because(v) || (v.attention ? "" : saying(v, "say")))],
  red: (v) => [...reasons(v), line("say", saying(v, "say")), line("say", saying(v, "do")), guest(v)],
  machine: (v) => [
    line("say", v.said || (has(`locked.${v.reason}`) ? t(`locked.${v.reason}`) : saying(v, "say"))),
    line("say", saying(v, "do")),
  ],
};

function passing(v) {
  if (v.code === "undone") return saying(v, "do");
  if (v.people > 1) return many(v.exiting ? "told.let_out" : "told.let_in", v.people);
  return saying(v, "do");
}

const because = (v) => v.why && t("told.why", { why: t(`verdict.${v.why}.say`) });

function reasons(v) {
  const zone = site.lane?.timezone;
  const lines = [];
  if (v.prior) {
    const said = { ago: ago(v.prior.at, now()), time: clock(v.prior.at, now(), zone), gate: v.prior.gate };
    const here = v.prior.here && v.prior.gate === site.lane?.gate_name;
    lines.push(line("prior", t(here ? "told.prior_here" : "told.prior", said)));
  }
  if (v.gates?.length) lines.push(line("prior", t("told.gates", { gates: v.gates.join(", ") })));
  if (v.when) {
    const at = v.when * 1000;
    const said = { ago: ago(at, now()), time: clock(at, now(), zone) };
    lines.push(line("prior", t(at > now() ? "told.from" : "told.until", said)));
  }
  return lines;
}

function guest(v) {
  const words = saying(v, "guest");
  return words && el("p", { class: "guest" }, el("b", { text: t("told.guest") }), `“${words}”`);
}

function facts(v) {
  const rows = [["class", v.ticket_class], ["name", v.name], ["seat", v.seat]].filter(([, text]) => text);
  if (!rows.length) return null;
  return el("dl", { class: "facts" }, ...rows.map(([kind, text]) =>
    el("div", {}, el("dt", { class: "unseen", text: t(`told.${kind}`) }), el("dd", { class: kind, text }))));
}

function notes(v) {
  const told = [];
  if (v.left > 0 && v.actions.includes("people")) told.push(many("told.more", v.left));
  if (v.flag) told.push(t("told.flag", { flag: t(`verdict.${v.flag}.say`) }));
  if (v.moved) told.push(t("told.moved"));
  if (v.stale) told.push(t("told.stale"));
  if (v.practice) told.push(t("told.trial"));
  const fine = v.reason && !has(`locked.${v.reason}`) && `${v.code} · ${v.reason}`;
  return [...told.map((text) => line("note", text)), line("fine", fine)];
}
