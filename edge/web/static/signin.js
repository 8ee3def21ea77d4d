// Signing in: a PIN on big keys or on the keyboard, or a badge.

import { post } from "./api.js";
import { viewFor } from "./badge.js";
import { button, byId, el, icon, put } from "./dom.js";
import { close as closeSheet } from "./sheet.js";
import { unlock } from "./sounds.js";
import { many, refusal, t } from "./words.js";

const LONGEST = 12;
const SHORTEST = 4;
const place = byId("signin");
let digits = "";
let under_way = false;
let putAway = () => {};

export const isOpen = () => !place.hidden;

export function open() {
  if (isOpen()) return;
  digits = "";
  const scan = el("div");
  place.replaceChildren(
    el("h2", { id: "signin-title", tabindex: "-1", text: t("signin.title") }),
    el("p", { class: "hint", text: t("signin.say") }),
    el("p", { class: "dots", role: "status" }, el("span", { class: "unseen" })),
    el("div", { class: "pad", role: "group", "aria-label": t("signin.pin") },
      ..."123456789".split("").map(number), key("erase", "erase"), number("0"), key("go", "next")),
    el("p", { class: "error", role: "alert" }),
    scan);
  place.hidden = false;
  putAway = viewFor(scan);
  draw();
}

export function close() {
  if (!isOpen()) return;
  putAway();
  place.hidden = true;
  place.replaceChildren();
}

const number = (digit) => button(digit, () => press(digit), { data: { key: digit } });

function key(name, drawn) {
  const act = name === "go" ? go : () => press("Backspace");
  return button("", act, { class: name === "go" ? "first" : "", data: { key: name }, "aria-label": t(`signin.${name}`) }, icon(drawn));
}

// A key of the pad or of the keyboard.
export function press(name) {
  if (!isOpen()) return;
  if (name === "Enter") go();
  else if (name === "Backspace") digits = digits.slice(0, -1);
  else if (/^\d$/.test(name) && digits.length < LONGEST) digits += name;
  unlock();
  draw();
}

function draw() {
  const dots = place.querySelector(".dots");
  if (!dots) return;
  dots.querySelectorAll("i").forEach((dot) => dot.remove());
  dots.append(...Array.from(digits, () => el("i")));
  put(dots.querySelector(".unseen"), digits ? many("signin.digits", digits.length) : "");
  place.querySelector('[data-key="go"]').disabled = digits.length < SHORTEST;
}

function go() {
  if (digits.length >= SHORTEST) signIn({ pin: digits });
}

export async function signIn(by) {
  if (under_way) return;
  under_way = true;
  unlock();
  const answer = await post("/api/sign-in", by, { timeout: 10_000 });
  under_way = false;
  digits = "";
  if (answer.ok) closeSheet();
  if (!isOpen()) return;
  if (answer.ok) return close();
  place.querySelector(".error").textContent = refusal(answer.code);
  draw();
}
