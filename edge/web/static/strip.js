// The status strip: in words how this gate does, with worry shown before it hurts.

import { byId, el, icon } from "./dom.js";
import { site, supervises } from "./site.js";
import { muted } from "./sounds.js";
import { clock, many, percent, span, t } from "./words.js";

const MANY_WAITING = 500;
const strip = byId("strip");
let before = "";

export function draw() {
  const { status, lane } = site;
  if (!status || !lane) return;
  const chips = [link(status), data(status), waiting(status), time(status, lane), power(status), camera(status, lane), health(status), incidents(status), mute(), staff(lane)];
  const drawn = chips.filter(Boolean);
  const key = JSON.stringify(drawn);
  if (key === before) return;
  before = key;
  strip.replaceChildren(...drawn.map(chip));
}

function chip({ drawn, text, worry, kind = "" }) {
  return el("span", { class: `chip ${kind}`, data: worry ? { worry } : {} }, icon(drawn), el("span", { text }));
}

function link(status) {
  if (status.link === "cloud") return { drawn: "link", text: t("strip.link.cloud") };
  if (status.link === "peers") return { drawn: "peers", text: many("strip.link.peers", status.peers) };
  return { drawn: "alone", text: t("strip.link.alone"), worry: "some" };
}

function data(status) {
  const age = status.data_age === null ? "" : span(status.data_age);
  const worry = { fresh: "", stale: "some", restricted: "much", none: "much" }[status.data_state];
  return { drawn: "list", text: t(`strip.data.${status.data_state}`, { age }), worry };
}

function waiting(status) {
  const text = status.waiting ? many("strip.waiting", status.waiting) : t("strip.sent");
  return { drawn: "waiting", text, worry: status.waiting >= MANY_WAITING ? "some" : "" };
}

function time(status, lane) {
  const worry = { trusted: "", carried: "some", none: "much" }[status.clock];
  const { at, clock_warning: warning, stamps_until: until } = status;
  const text = t(`strip.clock.${warning || status.clock}`, { n: span((until - at) / 1000), at: clock(until, at, lane.timezone) });
  return { drawn: "clock", text, worry: worry || (warning && "some") };
}

function power(status) {
  if (status.battery === null) return status.on_power ? { drawn: "plug", text: t("strip.power") } : null;
  const low = status.on_power ? "" : status.battery < 10 ? "much" : status.battery < 25 ? "some" : "";
  const text = t("strip.battery", { n: percent(status.battery) });
  return { drawn: status.on_power ? "plug" : "battery", text, worry: low };
}

function camera(status, lane) {
  const own = status.cameras.find((each) => each.lane === lane.id);
  if (!own || (own.connected && !own.warnings.length)) return null;
  return { drawn: "camera", text: own.connected ? trouble(own.warnings[0]) : t("camera.lost"), worry: own.connected ? "some" : "much" };
}

export function trouble(code) {
  const text = t(`camera.${code}`);
  return text === `camera.${code}` ? code : text;
}

function health(status) {
  if (status.health === "ok") return null;
  return { drawn: "heart", text: t(`strip.health.${status.health}`), worry: status.health === "fail" ? "much" : "some" };
}

function incidents({ incidents: n }) {
  return n && supervises() ? { drawn: "amber", text: many("strip.incidents", n), worry: "some" } : null;
}

const mute = () => (muted() ? { drawn: "muted", text: t("strip.mute"), worry: "some" } : null);

function staff(lane) {
  const who = lane.session;
  const said = who ? t("strip.staff", { name: who.name, role: t(`strip.role.${who.role}`) }) : t(lane.unattended ? "strip.unattended" : "strip.nobody");
  return { drawn: "staff", text: said, kind: "staff" };
}

