// Forms about the verdict on show that have several parts: how many, which answers, which day.

import { post } from "./api.js";
import { busy, counting, resolve } from "./deeds.js";
import { button, el } from "./dom.js";
import { site } from "./site.js";
import { dayName, many, t } from "./words.js";

const MOST_WORDS = 200;

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
    button("−", () => step(-1), { "aria-label": t("deed.fewer") }),
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
    place.closest(".verdict").dataset.asking = "yes";
    place.replaceChildren(
      el("img", { src: `/api/challenge.svg?of=${code}`, alt: t("deed.qr"), width: 240, height: 240 }),
      el("output", { text: `${code.slice(0, 4)} ${code.slice(4)}`.toUpperCase() }),
      el("p", { class: "note", text: t("deed.challenge_say") }),
      counting(60, (left) => t("deed.challenge_left", { left }), () => over(place)));
    pressed.querySelector("span").textContent = t("deed.challenge_new");
    return "";
  }), { class: "first wide" });
  return [place, pressed];
}

function over(place) {
  const verdict = place.closest(".verdict");
  if (verdict) delete verdict.dataset.asking;
  place.replaceChildren();
}

export const FORMS = { people: stepper, answer: questions, challenge, pick_day: days };
