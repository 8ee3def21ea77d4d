// What staff may do about the verdict on show: buttons and small forms, by the actions it names.

import { post } from "./api.js";
import { badgeFor } from "./badge.js";
import { button, el, icon } from "./dom.js";
import * as flood from "./flood.js";
import { act } from "./scans.js";
import { now, site, supervises } from "./site.js";
import { dayName, many, minutes, refusal, t } from "./words.js";

const WINDOW = 120; // seconds in which this device takes its own word back
const MOST_WORDS = 200;

const FORMS = {
  people: (v) => stepper(v),
  confirm: (v) => send(t("deed.confirm"), v, { confirmed: true }),
  answer: (v) => questions(v),
  challenge: (v) => challenge(v),
  pick_day: (v) => days(v),
  approve: (v) => send(t("deed.approve"), v, { approve: true }, { supervised: true }),
  override: (v) => button(t("deed.override"), async () => (await import("./override.js")).ask(v), {}, icon("badge")),
  undo: (v) => undoing(v),
};

export function deeds(verdict) {
  const forms = verdict.actions.filter((action) => action in FORMS).map((action) => FORMS[action](verdict));
  const last = t(verdict.signal === "green" ? "deed.next" : "deed.dismiss");
  return el("div", { class: "deeds" },
    el("p", { class: "error", role: "status" }),
    ...forms.flat(),
    button(last, flood.clear, { class: forms.length ? "" : "first", data: { deed: "dismiss" } }));
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

function stepper(verdict) {
  let people = verdict.left;
  const shown = el("output", { "aria-live": "polite", "aria-label": t("deed.how_many") });
  const go = button("", () => busy(go, () => resolve(verdict, { people })), { class: "first" });
  const step = (by) => {
    people = Math.min(verdict.left, Math.max(1, people + by));
    shown.textContent = people;
    go.querySelector("span").textContent = many("deed.people", people);
  };
  step(0);
  return el("div", { class: "stepper", role: "group", "aria-label": t("deed.how_many") },
    button(t("unit.minus"), () => step(-1), { "aria-label": t("deed.fewer") }),
    shown,
    button("+", () => step(1), { "aria-label": t("deed.add") }),
    go);
}

function questions(verdict) {
  const answers = {};
  const pressed = button(t("deed.answer"), () => busy(pressed, () => answered(verdict, answers)), { class: "first wide" });
  return [...verdict.questions.map((question) => asked(question, answers)), pressed];
}

function answered(verdict, answers) {
  const missing = verdict.questions.some((each) => each.required && !answers[each.id]?.trim());
  if (missing) return "answers_missing";
  const given = Object.fromEntries(Object.entries(answers).filter(([, text]) => text.trim()));
  return resolve(verdict, { answers: given });
}

function asked(question, answers) {
  const needed = ` (${t(question.required ? "deed.required" : "deed.optional")})`;
  const name = `question-${question.id}`;
  if (!question.choices.length) {
    const field = el("input", { id: name, maxlength: MOST_WORDS, autocomplete: "off", oninput: () => (answers[question.id] = field.value) });
    return el("div", { class: "asked" }, el("label", { for: name, text: question.text + needed }), field);
  }
  const choices = question.choices.map((text) => button(text, (event) => {
    answers[question.id] = text;
    for (const each of choices) each.setAttribute("aria-checked", String(each === event.currentTarget));
  }, { role: "radio", "aria-checked": "false" }));
  return el("fieldset", { class: "asked", role: "radiogroup" },
    el("legend", { text: question.text + needed }), el("div", { class: "choices" }, ...choices));
}

function days(verdict) {
  const zone = site.lane?.timezone;
  const title = el("p", { class: "wide note", text: t("deed.pick_day") });
  return [title, ...verdict.days.map((day) => {
    const pressed = button(dayName(day.start * 1000, zone), () => busy(pressed, () => resolve(verdict, { day: day.index }, { supervised: true })));
    return pressed;
  })];
}

function challenge(verdict) {
  const place = el("div", { class: "challenge" });
  const pressed = button(t("deed.challenge"), () => busy(pressed, async () => {
    const answer = await post("/api/challenge");
    if (!answer.ok) return answer.code;
    const code = answer.data.challenge;
    place.replaceChildren(
      el("img", { src: `/api/challenge.svg?of=${code}`, alt: t("deed.qr"), width: 240, height: 240 }),
      el("output", { text: `${code.slice(0, 4)} ${code.slice(4)}`.toUpperCase() }),
      el("p", { class: "note", text: t("deed.challenge_say") }),
      counting(60, (left) => t("deed.challenge_left", { left }), () => place.replaceChildren()));
    pressed.querySelector("span").textContent = t("deed.challenge_new");
    return "";
  }), { class: "first wide" });
  return [place, pressed];
}

// A text that counts down for as long as it is on the page.
function counting(seconds, text, over) {
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

export function undoing(verdict) {
  const left = Math.floor((verdict.at - now()) / 1000) + WINDOW;
  const pressed = el("button", { type: "button", data: { deed: "undo" }, onclick: () => busy(pressed, () => undo(verdict)) }, icon("undo"));
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
