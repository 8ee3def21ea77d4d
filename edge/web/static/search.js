// Finding a ticket by name, seat or order, and admitting it by hand. Supervisors only.

import { get } from "./api.js";
import { busy } from "./deeds.js";
import { button, el } from "./dom.js";
import { forbidden } from "./forbidden.js";
import { act } from "./scans.js";
import { close, open } from "./sheet.js";
import { supervises } from "./site.js";
import { has, many, refusal, t } from "./words.js";

const PAUSE = 200;
const LEAST = 2;

export function openSearch() {
  if (!supervises()) return forbidden("search");
  const field = el("input", { id: "search-words", type: "search", autocomplete: "off", spellcheck: "false", enterkeyhint: "search" });
  const found = el("ol", { class: "rows" });
  const said = el("p", { class: "quiet", role: "status", text: t("search.start") });
  let timer = 0;
  let newest = 0;

  async function look() {
    const mine = (newest += 1);
    const words = field.value.trim();
    if (words.length < LEAST) return show([], t("search.start"));
    const answer = await get(`/api/search?q=${encodeURIComponent(words)}`);
    if (mine !== newest) return;
    if (!answer.ok) return show([], refusal(answer.code));
    const { found, missing } = answer.data;
    show(found, [!found.length && t("search.none"), missing && t("search.missing")].filter(Boolean).join(" "));
  }

  function show(tickets, text) {
    said.textContent = text;
    found.replaceChildren(...tickets.map(row));
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  });
  open(t("search.title"), [
    el("div", { class: "field" }, el("label", { for: "search-words", text: t("search.words") }), field),
    el("p", { class: "error", role: "alert" }), said, found]);
  field.focus();
}

function row(ticket) {
  const state = has(`search.state.${ticket.state}`) ? t(`search.state.${ticket.state}`) : ticket.state;
  const what = [ticket.ticket_class, state, ticket.inside > 0 && many("search.inside", ticket.inside)].filter(Boolean).join(" · ");
  const where = [ticket.seat, ticket.order && t("search.order", { order: ticket.order })].filter(Boolean).join(" · ");
  const go = button(t("search.hand"), () => busy(go, async () => {
    const code = await act("/api/by-hand", { ticket: ticket.ticket, act: {} });
    if (!code) close();
    return code;
  }));
  return el("li", { class: "row gate-row" },
    el("div", { class: "what" }, el("b", { text: ticket.name || ticket.seat }), where && el("span", { text: where }), el("span", { text: what })),
    el("div", { class: "ways" }, go));
}
