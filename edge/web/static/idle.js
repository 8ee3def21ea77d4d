// Between two scans: where we are, how many are inside, and why nobody can be admitted if so.

import { button, byId, el, icon, put } from "./dom.js";
import { signedIn, site } from "./site.js";
import * as signin from "./signin.js";
import { has, number, t } from "./words.js";

let restBefore = "";

export function draw(choosePost) {
  const { lane, status, counts } = site;
  if (!lane || !status) return;
  const { body } = document;
  body.dataset.practice = lane.practice ? "on" : "off";
  byId("practice").hidden = !lane.practice;
  board(lane);
  locking(lane);
  if (counts) numbers(counts);
  rest(lane, status, choosePost);
}

function board(lane) {
  put(byId("event"), lane.event_name);
  put(byId("post"), lane.gate_name || t("app.name"));
  document.title = lane.gate_name || t("app.name");
  const way = byId("way");
  const said = t(lane.exiting ? "board.exit" : "board.entry");
  const text = lane.zone_name ? t("board.into", { way: said, zone: lane.zone_name }) : said;
  if (way.textContent !== text) way.replaceChildren(icon(lane.exiting ? "exit" : "entry"), text);
  way.dataset.exiting = lane.exiting ? "yes" : "no";
  way.hidden = !lane.gate;
  if (lane.kind === "handheld" && lane.gate) put(byId("tool-post").querySelector(".label"), `${lane.gate_name} · ${said}`);
}

// A lane that scans without staff has nobody to lock out, and somebody to let in.
function locking(lane) {
  const tool = byId("tool-lock");
  const name = lane.session || !lane.unattended ? "lock" : "staff";
  if (tool.dataset.drawn === name) return;
  tool.dataset.drawn = name;
  tool.replaceChildren(icon(name), el("span", { class: "label", text: t(name === "lock" ? "bar.lock" : "board.sign_in") }));
}

function numbers(counts) {
  const rows = [["inside", counts.inside, counts.capacity], ["entered", counts.entered], ["left", counts.left], ["refused", counts.refused]];
  const key = JSON.stringify(counts);
  const place = byId("counts");
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(...rows.map(([name, n, of]) =>
    el("div", {}, el("dt", { text: t(`board.${name}`) }),
      el("dd", { text: number(n) }, of && el("small", { text: ` ${t("board.of", { n: number(of) })}` })))));
}

// What stands in place of the board, if anything.
function rest(lane, status, choosePost) {
  const kind = status.blocked ? `blocked ${status.blocked}` : !signedIn() ? "signin" : !lane.gate ? "post" : "";
  if (kind === restBefore) return;
  restBefore = kind;
  const { body } = document;
  const notice = byId("notice");
  notice.hidden = true;
  if (kind === "signin") signin.open();
  else signin.close();
  delete body.dataset.rest;
  if (kind) body.dataset.rest = kind === "signin" ? "signin" : "notice";
  if (kind === "post") choose(notice, choosePost);
  else if (kind && kind !== "signin") blocked(notice, status.blocked);
}

function choose(notice, choosePost) {
  delete notice.dataset.signal;
  notice.replaceChildren(icon("gate"), el("h2", { text: t("board.choose") }), el("p", { text: t("board.choose_say") }),
    button(t("board.choose"), choosePost, { class: "first" }));
  notice.hidden = false;
}

function blocked(notice, code) {
  const part = (name) => has(`verdict.${code}.${name}`) && t(`verdict.${code}.${name}`);
  notice.dataset.signal = "machine";
  notice.replaceChildren(el("div", { class: "panel" }, icon("machine", "shape"),
    el("h2", { class: "word", text: t("verdict.agent_lost.word") }), el("p", { text: part("say") || code }), part("do") && el("p", { text: part("do") })));
  notice.hidden = false;
}
