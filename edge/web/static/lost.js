// The gate's computer does not answer: nothing on this screen may look as if it did.

import { byId, el, icon } from "./dom.js";
import { forget } from "./scans.js";
import * as sheet from "./sheet.js";
import { learn, site } from "./site.js";
import { sound } from "./sounds.js";
import { t } from "./words.js";

const lost = byId("lost");

export function show() {
  sheet.close();
  forget();
  const news = !site.lost || document.body.dataset.state === "starting";
  learn({ lost: true });
  document.body.dataset.state = "lost";
  if (!news) return;
  lost.dataset.signal = "machine";
  lost.replaceChildren(el("div", { class: "panel" }, icon("machine", "shape"),
    el("p", { class: "word", text: t("verdict.agent_lost.word") }),
    el("p", { text: t("verdict.agent_lost.say") }), el("p", { text: t("verdict.agent_lost.do") })));
  lost.hidden = false;
  sound("agent_lost", "machine");
}

export function over() {
  if (!site.lost) return;
  learn({ lost: false });
  document.body.dataset.state = "live";
  lost.hidden = true;
}
