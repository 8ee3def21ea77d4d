// What staff may do about the verdict on show: buttons and small forms, by the actions it names.

import { badgeFor } from "./badge.js";
import { button, el, icon } from "./dom.js";
import * as flood from "./flood.js";
import { act } from "./scans.js";
import { now, supervises } from "./site.js";
import { minutes, refusal, t } from "./words.js";

const WINDOW = 120; // seconds in which this device takes its own word back

const SHORT = {
  confirm: (v) => send(t("deed.confirm"), v, { confirmed: true }),
  approve: (v) => send(t("deed.approve"), v, { approve: true }, { supervised: true }),
  override: (v) => button(t("deed.override"), async () => (await import("./override.js")).ask(v), {}, icon("badge")),
  undo: (v) => undoing(v),
};
const LONG = ["people", "answer", "challenge", "pick_day"]; // forms of several parts, loaded when first needed

export function deeds(verdict) {
  const buttons = verdict.actions.filter((action) => action in SHORT).map((action) => SHORT[action](verdict));
  const longer = verdict.actions.filter((action) => LONG.includes(action));
  const last = t(verdict.signal === "green" ? "deed.next" : "deed.dismiss");
  const error = el("p", { class: "error", role: "status" });
  const alone = !buttons.length && !longer.length;
  const made = el("div", { class: "deeds" }, error, ...buttons, button(last, flood.clear, { class: alone ? "first" : "", data: { deed: "dismiss" } }));
  if (longer.length) {
    import("./forms.js").then(({ FORMS }) => {
      error.after(...longer.flatMap((action) => FORMS[action](verdict)));
    });
  }
  return made;
}

export function tell(node, code) {
  node.closest(".deeds, .inside, .signin").querySelector(".error").textContent = code ? refusal(code) : "";
}

// Does `work` once for a press, with the button showing that it is under way.
export async function busy(pressed, work) {
  if (pressed.getAttribute("aria-busy") === "true") return;
  pressed.setAttribute("aria-busy", "true");
  try {
    tell(pressed, await work());
  } finally {
    pressed.removeAttribute("aria-busy");
  }
}

export async function resolve(verdict, said, { supervised = false } = {}) {
  const badge = supervised && !supervises() ? await badgeFor() : "";
  return badge === null ? "" : act("/api/resolve", { scan: verdict.scan, act: said, badge });
}

function send(text, verdict, said, options = {}) {
  const pressed = button(text, () => busy(pressed, () => resolve(verdict, said, options)),
    { class: "first wide" }, options.supervised && icon("badge"));
  return pressed;
}

// A text that counts down for as long as it is on the page.
export function counting(seconds, text, over) {
  const until = Date.now() + seconds * 1000;
  const shown = el("span", { class: "countdown note", "aria-hidden": "true" });
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    if (left > 0) shown.textContent = text(minutes(left));
    if (left > 0 && (shown.isConnected || left === seconds)) setTimeout(tick, 1000);
    else over(shown);
  };
  tick();
  return shown;
}

// `takeBack` may do more than undo.
export function undoing(verdict, takeBack = undo) {
  const left = Math.floor((verdict.at - now()) / 1000) + WINDOW;
  const pressed = el("button", { type: "button", data: { deed: "undo" }, onclick: () => busy(pressed, () => takeBack(verdict)) }, icon("undo"));
  const late = (shown) => (shown.textContent = t("deed.undo_late"));
  const label = left > 0 ? counting(left, (text) => t("deed.undo_left", { left: text }), late) : el("span", { text: t("deed.undo_late") });
  label.className = "countdown";
  label.removeAttribute("aria-hidden");
  pressed.append(label);
  return pressed;
}

export async function undo(verdict) {
  const code = await act("/api/undo", { scan: verdict.scan, badge: "" });
  if (code !== "undo_needs_supervisor") return code;
  const badge = await badgeFor();
  return badge === null ? "" : act("/api/undo", { scan: verdict.scan, badge });
}
