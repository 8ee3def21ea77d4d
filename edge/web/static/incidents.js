// What a person must settle, as the cloud tells it. Supervisors only: it names guests.

import { get } from "./api.js";
import { el, icon } from "./dom.js";
import { forbidden } from "./forbidden.js";
import { open } from "./sheet.js";
import { now, site, supervises } from "./site.js";
import { clock, has, load, refusal, t } from "./words.js";

const WORDS = new URL(`locales/incidents/${document.documentElement.lang}.json`, import.meta.url);
const MARKS = { open: "amber", explained: "green", confirmed: "red" };

export async function openIncidents() {
  await load(WORDS);
  if (!supervises()) return forbidden("incidents");
  const answer = await get("/api/incidents");
  if (!answer.ok) return open(t("incidents.title"), [el("p", { class: "error", role: "alert", text: refusal(answer.code) })]);
  const { incidents } = answer.data;
  const first = incidents.filter((each) => each.state === "open");
  const rest = incidents.filter((each) => each.state !== "open");
  open(t("incidents.title"), [
    el("p", { class: "quiet", text: t(incidents.length ? "incidents.say" : "incidents.none") }),
    incidents.length && el("ol", { class: "rows" }, ...[...first, ...rest].map(row))].filter(Boolean));
}

function row(incident) {
  const mark = icon(MARKS[incident.state], "mark");
  mark.dataset.signal = MARKS[incident.state];
  const kind = has(`incidents.kind.${incident.kind}.word`) ? incident.kind : "other";
  const guest = [incident.name, incident.seat, incident.ticket_class, incident.order && t("search.order", { order: incident.order })];
  const where = [clock(incident.found, now(), site.lane.timezone), incident.gates.join(", "), incident.event_name, incident.here && t("incidents.here")];
  return el("li", { class: "row incident", data: { incident: incident.incident, state: incident.state } },
    mark,
    el("div", { class: "what" },
      el("b", { text: t(`incidents.kind.${kind}.word`) }),
      el("span", { text: t(`incidents.kind.${kind}.do`) }),
      ...[guest, where].map((facts) => facts.filter(Boolean).join(" · ")).filter(Boolean).map((text) => el("span", { text })),
      el("span", { class: "state", text: t(`incidents.state.${incident.state}`) })));
}
