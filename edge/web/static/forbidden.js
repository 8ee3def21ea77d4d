// What only a supervisor may see: why it isn't shown, and the way in.

import { badgeFor } from "./badge.js";
import { button, el } from "./dom.js";
import { open } from "./sheet.js";
import { signIn } from "./signin.js";
import { t } from "./words.js";

// `sheet`: whose words they are.
export function forbidden(sheet) {
  const other = button(t("badge.sign_in"), async () => {
    const badge = await badgeFor();
    if (badge === null) return;
    await signIn({ badge });
  }, { class: "first" });
  open(t(`${sheet}.title`), [el("p", { text: t(`${sheet}.forbidden`) }), other]);
}
