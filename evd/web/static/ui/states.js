// What stands where there is no data: nothing yet, not yet loaded, or something to know first.

import { t } from "../texts.js";
import { h } from "./h.js";
import { icon } from "./icons.js";

/** An empty state: what is missing, and what to do next. `action`: a link or a button. */
export function empty({ icon: name, title, text, action }) {
  return h(
    "div",
    { class: "empty" },
    h("span", { class: "empty-icon" }, icon(name)),
    h("h2", {}, title),
    text && h("p", {}, text),
    action,
  );
}

/** The shape of what is being loaded; `kind`: a class of ui.css, as "card", "row" or "line". */
export function skeleton(kind = "line", count = 3) {
  return h(
    "div",
    { class: `skeletons skeletons-${kind}`, role: "status", "aria-label": t("app.loading") },
    Array.from({ length: count }, () => h("div", { class: `skeleton skeleton-${kind}` })),
  );
}

/** A sentence in the page; `tone` as for a badge. */
export function notice(text, { tone = "info", icon: name = "alert" } = {}) {
  return h("div", { class: `notice tone-${tone}` }, icon(name), h("p", {}, text));
}
