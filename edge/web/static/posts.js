// Choosing the gate and the direction.

import { get, post } from "./api.js";
import { busy } from "./deeds.js";
import { button, el, icon } from "./dom.js";
import { close, open } from "./sheet.js";
import { learn, site } from "./site.js";
import { t } from "./words.js";

const MANY = 8; // gates from which on there is a field to find one

export async function openPosts() {
  const answer = await get("/api/lane");
  if (answer.ok) learn({ posts: answer.data.posts });
  const rows = site.posts.map((event) => [event, event.gates.map((gate) => row(event.event, gate))]);
  const count = rows.reduce((sum, [, gates]) => sum + gates.length, 0);
  const none = el("p", { class: "quiet", role: "status" });
  const lists = rows.map(([event, gates]) => el("section", { class: "rows" }, el("h3", { text: event.event_name }), ...gates));
  const content = [el("p", { class: "error", role: "alert" }), ...lists, none];
  if (!count) none.textContent = t("posts.empty");
  if (count > MANY) content.unshift(filter(rows.flatMap(([, gates]) => gates), none));
  open(t("posts.title"), content);
}

function filter(rows, none) {
  const field = el("input", { id: "gate-words", type: "search", autocomplete: "off", oninput: () => {
    const words = field.value.trim().toLocaleLowerCase();
    for (const each of rows) each.hidden = !each.dataset.name.includes(words);
    none.textContent = rows.every((each) => each.hidden) ? t("posts.none") : "";
  } });
  return el("div", { class: "field" }, el("label", { for: "gate-words", text: t("posts.filter") }), field);
}

function row(event, gate) {
  const { lane } = site;
  const here = lane.event === event && lane.gate === gate.id;
  const ways = gate.direction === "both" ? ["entry", "exit"] : [gate.direction];
  return el("div", { class: here ? "row gate-row chosen" : "row gate-row", data: { name: `${gate.name} ${gate.zone_name}`.toLocaleLowerCase() } },
    el("div", { class: "what" }, el("b", { text: gate.name }), el("span", { text: here ? `${gate.zone_name} · ${t("posts.here")}` : gate.zone_name })),
    el("div", { class: "ways" }, ...ways.map((way) => choose(event, gate, way, here && lane.exiting === (way === "exit")))));
}

function choose(event, gate, way, current) {
  const pressed = button(t(`posts.${way}`), () => busy(pressed, async () => {
    const answer = await post("/api/lane/post", { event, gate: gate.id, exiting: way === "exit" });
    if (answer.ok) close();
    return answer.ok ? "" : answer.code;
  }), { "aria-pressed": String(current), "aria-label": `${gate.name}: ${t(`posts.${way}`)}`, class: "way-button" }, icon(way));
  return pressed;
}
