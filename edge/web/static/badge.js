// Asking for a supervisor's badge, for one act.

import { take } from "./codes.js";
import { button, el, icon } from "./dom.js";
import { close, open } from "./sheet.js";
import { t } from "./words.js";

let camera = null;

// A handheld reads badges with its camera, too; a kiosk by its reader alone.
export function lend(handheld) {
  camera = handheld;
}

// Returns the badge's text, or null if nobody showed one.
export function badgeFor() {
  return new Promise((resolve) => {
    const content = [el("p", { text: t("badge.say") })];
    const view = camera && el("div", { class: "scan" });
    if (view) content.push(view);
    content.push(button(t("sheet.cancel"), close, {}));
    let text = null;
    const stop = take((read) => {
      text = read;
      close();
    });
    open(t("badge.title"), content, () => {
      stop();
      camera?.home();
      resolve(text);
    });
    if (view) camera.move(view);
  });
}

// The part of a sign-in that reads a badge by camera.
export function viewFor(place) {
  const stop = () => {
    camera.home();
    place.replaceChildren(start);
  };
  const start = button(t("signin.badge"), () => {
    const view = el("div", { class: "scan" });
    place.replaceChildren(view, button(t("signin.stop"), stop));
    camera.move(view);
  }, {}, icon("badge"));
  if (document.body.dataset.kind === "handheld") place.replaceChildren(start);
  return () => camera?.home();
}
