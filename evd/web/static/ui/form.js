// Forms: fields with labels, hints and errors that screen readers hear.

import { ApiError } from "../api.js";
import { h } from "./h.js";
import { icon } from "./icons.js";

let made = 0;

/** An input (or any `control`) with its label; `.control` is the input, `.error(text)` says what is wrong with it. */
export function field(label, { hint, control, ...attrs } = {}) {
  const id = `field-${(made += 1)}`;
  const input = control || h("input", { class: "input", type: "text", ...attrs });
  input.id = id;
  const wrong = h("p", { class: "field-error", id: `${id}-error`, hidden: true });
  const said = hint && h("p", { class: "field-hint", id: `${id}-hint` }, hint);
  input.setAttribute("aria-describedby", [said && `${id}-hint`, `${id}-error`].filter(Boolean).join(" "));
  const element = h("div", { class: "field" }, h("label", { for: id }, label), input, said, wrong);
  element.control = input;
  element.error = (text) => {
    wrong.textContent = text || "";
    wrong.hidden = !text;
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  return element;
}

/** A form whose `send(data)` may throw ApiError, which is shown below its fields; it is sent once at a time. */
export function form(children, send, attrs = {}) {
  const wrong = h("p", { class: "form-error", role: "alert", hidden: true });
  const element = h("form", { class: "form", novalidate: true, ...attrs }, children, wrong);
  element.error = (text) => {
    wrong.replaceChildren(icon("alert"), h("span", {}, text || ""));
    wrong.hidden = !text;
  };
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (element.classList.contains("is-busy")) return;
    element.error("");
    element.classList.add("is-busy");
    element.setAttribute("aria-busy", "true");
    try {
      await send(Object.fromEntries(new FormData(element)), element);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      element.error(error.message);
    } finally {
      element.classList.remove("is-busy");
      element.removeAttribute("aria-busy");
    }
  });
  return element;
}

/** A select; `options`: [[value, text], …]. */
export function select(options, value, attrs = {}) {
  return h(
    "select",
    { class: "select", ...attrs },
    options.map(([one, text]) => h("option", { value: one, selected: one === value }, text)),
  );
}

/** One of a few choices as joined buttons; `options`: [[value, text, icon?], …]. */
export function segments(label, options, value, chosen, { iconsOnly = false } = {}) {
  const name = `segments-${(made += 1)}`;
  return h(
    "div",
    { class: "segments", role: "radiogroup", "aria-label": label },
    options.map(([one, text, shape]) =>
      h(
        "label",
        { class: "segment", title: iconsOnly ? text : null },
        h("input", { type: "radio", name, value: one, checked: one === value, onchange: () => chosen(one) }),
        shape && icon(shape),
        h("span", { class: iconsOnly ? "unseen" : null }, text),
      ),
    ),
  );
}
