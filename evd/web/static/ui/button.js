import { t } from "../texts.js";
import { h } from "./h.js";
import { icon } from "./icons.js";

/** `kind`: "main" for the one thing to do, "plain", "danger", or none. `label`: for a button that shows only its icon. */
export function button(text, { kind = "", icon: name, class: more = "", label, type = "button", ...attrs } = {}) {
  const classes = ["button", kind && `button-${kind}`, !text && "button-icon", more].filter(Boolean).join(" ");
  return h(
    "button",
    { type, class: classes, "aria-label": label, title: text ? null : label, ...attrs },
    name && icon(name),
    text && h("span", {}, text),
  );
}

/** Copies a text, and says that it did. */
export function copyButton(text, { kind = "" } = {}) {
  const said = h("span", {}, t("app.copy"));
  const copy = async () => {
    await navigator.clipboard.writeText(text());
    said.textContent = t("app.copied");
    setTimeout(() => (said.textContent = t("app.copy")), 2000);
  };
  return h("button", { type: "button", class: `button ${kind && `button-${kind}`}`, onclick: copy }, icon("copy"), said);
}
