// Sentences by code, and numbers and times as the reader's language writes them.

const language = document.documentElement.lang || "en";
// The page's language as the reader's region writes it: 20:15 or 8:15 PM.
const lang = navigator.languages.find((each) => each.split("-")[0] === language) ?? language;
const plurals = new Intl.PluralRules(lang);
const whole = new Intl.NumberFormat(lang);
const percents = new Intl.NumberFormat(lang, { style: "percent" });
const relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const words = {};

// A sheet may bring its own.
export async function load(address) {
  flat(await (await fetch(address)).json(), "", words);
}

function flat(texts, before = "", into = {}) {
  for (const [name, text] of Object.entries(texts)) {
    if (typeof text === "string") into[before + name] = text;
    else flat(text, `${before}${name}.`, into);
  }
  return into;
}

export const has = (code) => Object.hasOwn(words, code);
export const number = (n) => whole.format(n);
export const percent = (n) => percents.format(n / 100);

// "{name}" is replaced once: a value that looks like a mark stays what it is.
export function t(code, values = {}) {
  const text = words[code] ?? code;
  return text.replace(/\{(\w+)\}/g, (mark, name) => (name in values ? String(values[name]) : mark));
}

// A sentence about n things.
export function many(code, n, values = {}) {
  const form = `${code}.${plurals.select(n)}`;
  return t(has(form) ? form : `${code}.other`, { n: number(n), ...values });
}

export function refusal(code) {
  return has(`error.${code}`) ? t(`error.${code}`) : t("error.other", { code });
}

function unitOf(seconds) {
  return UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS[3];
}

// "12 minutes ago" or "in 2 hours".
export function ago(ms, now) {
  const seconds = Math.round((ms - now) / 1000);
  const [unit, size] = unitOf(seconds);
  return relative.format(Math.trunc(seconds / size), unit);
}

// "4 min": a length of time without a direction.
export function span(seconds) {
  const [unit, size] = unitOf(seconds);
  const form = { style: "unit", unit, unitDisplay: unit === "day" ? "long" : "short" };
  return new Intl.NumberFormat(lang, form).format(Math.floor(seconds / size));
}

function written(ms, form, zone) {
  return new Intl.DateTimeFormat(lang, { ...form, timeZone: zone || undefined }).format(ms);
}

// The time of day in the event's zone, with the day if it isn't today.
export function clock(ms, now, zone) {
  const day = { dateStyle: "short" };
  const today = written(ms, day, zone) === written(now, day, zone);
  return written(ms, today ? { timeStyle: "short" } : { ...day, timeStyle: "short" }, zone);
}

export const dayName = (ms, zone) => written(ms, { weekday: "long", day: "numeric", month: "long" }, zone);

// 83 → "1:23"
export function minutes(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
