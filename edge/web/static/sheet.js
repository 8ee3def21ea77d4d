// One sheet at a time, from the bottom. What is behind it can't be reached meanwhile.

import { button, byId, el, icon } from "./dom.js";
import { t } from "./words.js";

const sheet = byId("sheet");
const veil = byId("veil");
const behind = ["idle", "bar", "flood", "strip"].map(byId);
let before = null;
let leaving = null;

export const isOpen = () => !sheet.hidden;

// `closed` is called however the sheet closes.
export function open(title, content, closed = () => {}) {
  close();
  before = document.activeElement;
  leaving = closed;
  const heading = el("h2", { id: "sheet-title", tabindex: "-1", text: title });
  sheet.replaceChildren(
    el("header", {}, heading, button("", close, { class: "close", "aria-label": t("sheet.close") }, icon("close"))),
    el("div", { class: "inside" }, ...content));
  show(true);
  heading.focus();
}

export function close() {
  if (sheet.hidden) return;
  show(false);
  sheet.replaceChildren();
  const leave = leaving;
  leaving = null;
  leave();
  if (before?.isConnected) before.focus({ preventScroll: true });
}

function show(on) {
  sheet.hidden = !on;
  veil.hidden = !on;
  for (const each of behind) each.inert = on;
}

veil.addEventListener("click", close);
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isOpen()) close();
});
