// A button that opens a panel; Escape, or a click elsewhere, closes it.

import { h } from "./h.js";

/** `face`: the button's content; `items()`: the panel's, made each time it opens. */
export function menu({ label, face, items, class: more = "" }) {
  const panel = h("div", { class: "menu-panel", hidden: true });
  const opener = h("button", { type: "button", class: "menu-button", "aria-label": label, "aria-expanded": "false" }, face);
  const element = h("div", { class: `menu ${more}` }, opener, panel);
  const set = (open) => {
    panel.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
    if (open) {
      panel.replaceChildren(...[items()].flat());
      document.addEventListener("pointerdown", outside);
    } else {
      document.removeEventListener("pointerdown", outside);
    }
  };
  const outside = (event) => !element.contains(event.target) && set(false);
  opener.addEventListener("click", () => set(panel.hidden));
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    set(false);
    opener.focus();
  });
  element.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !element.contains(event.relatedTarget)) set(false);
  });
  return element;
}
