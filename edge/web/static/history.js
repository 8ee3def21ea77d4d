// The last scans of this lane, and taking one back.

import { get } from "./api.js";
import { busy, undo, undoing } from "./deeds.js";
import { button, el, icon } from "./dom.js";
import { close, isOpen, open } from "./sheet.js";
import { now, site } from "./site.js";
import { ago, clock, refusal, t } from "./words.js";

const undone = new Set(); // scans that were taken back from here
const takenBack = (verdict) => undone.has(verdict.scan);

async function last() {
  const answer = await get("/api/recent");
  return answer.ok ? answer.data.recent : answer.code;
}

const problem = (title, code) => open(title, [el("p", { class: "error", role: "alert", text: refusal(code) })]);

export async function openRecent() {
  const recent = await last();
  if (typeof recent === "string") return problem(t("recent.title"), recent);
  const rows = recent.length ? el("ol", { class: "rows" }, ...recent.map((verdict) => row(verdict))) : el("p", { text: t("recent.none") });
  open(t("recent.title"), [el("p", { class: "error", role: "alert" }), rows]);
}

export async function undoLast() {
  const recent = await last();
  if (typeof recent === "string") return problem(t("undo.title"), recent);
  const verdict = recent.find((each) => each.actions.includes("undo") && !takenBack(each));
  if (!verdict) return open(t("undo.title"), [el("p", { text: t("undo.none") })]);
  const go = button(t("undo.go"), () => busy(go, () => takeBack(verdict)), { class: "first" }, icon("undo"));
  open(t("undo.title"), [el("ol", { class: "rows" }, row(verdict, false)), el("p", { class: "error", role: "alert" }), go]);
}

async function takeBack(verdict) {
  const code = await undo(verdict);
  if (code === "") {
    undone.add(verdict.scan);
    if (isOpen()) close();
  }
  return code;
}

function row(verdict, may = true) {
  const { timezone } = site.lane;
  const source = verdict.source.split(":")[0];
  const who = [verdict.ticket_class, verdict.name, verdict.seat].filter(Boolean).join(" · ");
  const when = `${ago(verdict.at, now())} · ${clock(verdict.at, now(), timezone)} · ${t(`recent.by.${source}`)}`;
  const mark = icon(verdict.signal, "mark");
  mark.dataset.signal = verdict.signal;
  return el("li", { class: "row", data: { code: verdict.code } },
    mark,
    el("div", { class: "what" }, el("b", { text: t(`verdict.${verdict.code}.word`) }), who && el("span", { text: who }), el("span", { text: when })),
    may && verdict.actions.includes("undo") && !takenBack(verdict) && undoing(verdict, takeBack));
}
