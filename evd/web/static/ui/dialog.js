// Dialogs that keep the focus until they close, and toasts that say what was done.

import { t } from "../texts.js";
import { button } from "./button.js";
import { h } from "./h.js";

const TOAST_MS = 5000;

/** Open a dialog; returns it, with `.close()`. It closes by Escape, its cross, a click beside it, and with its page. */
export function dialog(title, children, { actions = [], onclose, wide = false } = {}) {
  const close = () => element.close();
  const element = h(
    "dialog",
    { class: wide ? "dialog is-wide" : "dialog", "aria-labelledby": "dialog-title" },
    h(
      "div",
      { class: "dialog-head" },
      h("h2", { id: "dialog-title" }, title),
      button("", { icon: "close", kind: "plain", label: t("app.close"), onclick: close }),
    ),
    h("div", { class: "dialog-body" }, children),
    actions.length > 0 && h("div", { class: "dialog-actions" }, actions),
  );
  element.addEventListener("click", (event) => event.target === element && close());
  window.addEventListener("hashchange", close);
  element.addEventListener("close", () => {
    window.removeEventListener("hashchange", close);
    element.remove();
    onclose?.();
  });
  document.body.append(element);
  element.showModal();
  return element;
}

/** Say something for a moment; screen readers hear it. */
export function toast(text, tone = "good") {
  let place = document.querySelector(".toasts");
  if (!place) {
    place = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
    document.body.append(place);
  }
  const element = h("div", { class: `toast tone-${tone}` }, text);
  place.append(element);
  setTimeout(() => element.remove(), TOAST_MS);
}
