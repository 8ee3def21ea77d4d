// What is set once in an evening: language, look, practice; and the sounds to learn.

import { post } from "./api.js";
import { busy } from "./deeds.js";
import { button, el, icon, remember, remembered } from "./dom.js";
import { close, open } from "./sheet.js";
import { site } from "./site.js";
import { sound, unlock } from "./sounds.js";
import { many, number, t } from "./words.js";

const GREEN = ["2", "4", "8", "0"]; // seconds; 0: until the next scan
const THEMES = ["auto", "light", "dark", "contrast"];
const SIGNALS = ["green", "amber", "red", "machine"];

export function openMore() {
  const { status, lane } = site;
  open(t("more.title"), [
    el("p", { class: "error", role: "alert" }),
    button(incidents(status), async () => (await import("./incidents.js")).openIncidents(), {}, icon("amber")),
    choices(t("more.language"), languages(), document.documentElement.lang, speak),
    choices(t("more.theme"), THEMES.map((code) => [code, t(`more.${code}`)]), remembered("theme", "auto"), dress),
    choices(t("more.green"), GREEN.map((code) => [code, code === "0" ? t("more.until") : many("more.seconds", Number(code))]), remembered("green", "4"), (code) => remember("green", code)),
    group(t("more.practice"), practice(lane), el("p", { class: "quiet", text: t("practice.say") })),
    group(t("more.sounds"), ...SIGNALS.map((signal) => button(t(`more.${signal}_sound`), () => {
      unlock();
      sound(signal, signal);
    }, {}, icon(signal)))),
    el("a", { class: "button", href: "/health" }, icon("heart"), el("span", { text: t("more.health") })),
    el("p", { class: "quiet", text: t("more.device", { device: status.device, version: status.version }) }),
  ]);
}

const incidents = ({ incidents: n }) => (n ? `${t("more.incidents")} (${number(n)})` : t("more.incidents"));
const group = (title, ...inside) => el("div", { class: "field", role: "group", "aria-label": title }, el("h3", { text: title }), el("div", { class: "choices" }, ...inside));

function choices(title, options, current, chosen) {
  const buttons = options.map(([code, text]) => button(text, (event) => {
    for (const each of buttons) each.setAttribute("aria-checked", String(each === event.currentTarget));
    chosen(code);
  }, { role: "radio", "aria-checked": String(code === current), lang: title === t("more.language") ? code : null }));
  const made = group(title, ...buttons);
  made.setAttribute("role", "radiogroup");
  return made;
}

// Each language by its own name.
function languages() {
  const codes = document.body.dataset.languages.split(" ");
  return codes.map((code) => {
    const name = new Intl.DisplayNames(code, { type: "language" }).of(code);
    return [code, name[0].toLocaleUpperCase(code) + name.slice(1)];
  });
}

// The page is written in its language: it comes anew, and goes on where the lane stands.
function speak(code) {
  location.assign(`${location.pathname}?lang=${code}`);
}

function dress(code) {
  remember("theme", code);
  if (code === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = code;
}

function practice(lane) {
  const pressed = button(t(lane.practice ? "practice.on" : "practice.off"), () => busy(pressed, async () => {
    const answer = await post("/api/lane/practice", { on: !lane.practice });
    if (answer.ok) close();
    return answer.ok ? "" : answer.code;
  }), { "aria-pressed": String(lane.practice) }, icon("practice"));
  return pressed;
}
