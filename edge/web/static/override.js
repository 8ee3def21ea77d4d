// Admitting against a refusal: a reason from big buttons, and a supervisor's badge.

import { get } from "./api.js";
import { badgeFor } from "./badge.js";
import { busy, tell } from "./deeds.js";
import { button, el } from "./dom.js";
import { act } from "./scans.js";
import { close, open } from "./sheet.js";
import { supervises } from "./site.js";
import { refusal, t } from "./words.js";

const OTHER = "other";
const MOST = 80;

// `verdict`: the refusal on show.
export async function ask(verdict) {
  const lane = await get("/api/lane");
  let chosen = "";
  const words = el("input", { id: "override-words", maxlength: MOST, autocomplete: "off", oninput: ready });
  const field = el("div", { class: "field", hidden: true }, el("label", { for: "override-words", text: t("override.words") }), words);
  const go = button(t("override.go"), () => busy(go, () => admit(verdict, reason(), go)), { class: "first", disabled: true });
  const reasons = (lane.ok ? lane.data.quick_reasons : []).map((code) => button(t(`override.${code}`), (event) => choose(code, event.currentTarget), { role: "radio", "aria-checked": "false" }));

  const reason = () => (chosen === OTHER ? `${OTHER}: ${words.value.trim()}` : chosen);

  function ready() {
    go.disabled = !chosen || (chosen === OTHER && !words.value.trim());
  }

  function choose(code, pressed) {
    chosen = code;
    for (const each of reasons) each.setAttribute("aria-checked", String(each === pressed));
    field.hidden = code !== OTHER;
    if (code === OTHER) words.focus();
    ready();
  }

  open(t("override.title"), [
    el("div", { class: "choices", role: "radiogroup", "aria-label": t("override.title") }, ...reasons),
    field,
    el("div", { class: "foot" }, el("p", { class: "error", role: "alert", text: lane.ok ? "" : refusal(lane.code) }), go),
  ]);
}

async function admit(verdict, override, pressed) {
  const badge = supervises() ? "" : await badgeFor();
  if (badge === null) return "";
  const code = await act("/api/resolve", { scan: verdict.scan, act: { override }, badge });
  if (!code) close();
  else if (!pressed.isConnected) tell(document.querySelector("#flood .deeds button"), code);
  return pressed.isConnected ? code : "";
}
