// The parts that a page of the operator is built of: its head, its panels, facts by name, and a question before harm.

import { t } from "../texts.js";
import { button } from "./button.js";
import { dialog } from "./dialog.js";
import { h } from "./h.js";

/** Title, a line below it that `.said(text)` changes, and what stands at the right. */
export function pageHead(title, ...aside) {
  const line = h("p", { class: "muted number", role: "status" });
  const element = h("div", { class: "page-head" }, h("div", { class: "page-head-title" }, h("h1", {}, title), line), aside);
  element.said = (text) => (line.textContent = text);
  return element;
}

/** Let the page's own address say what is chosen in it, unless the reader is on the way to another page already. */
export function setQuery(path, chosen) {
  if (location.hash.slice(1).split("?")[0] !== path) return;
  const query = new URLSearchParams(Object.entries(chosen).filter(([, value]) => value));
  history.replaceState(null, "", `#${path}${query.size ? `?${query}` : ""}`);
}

/** A part of a page with a heading; `aside` stands at its right. */
export function panel(title, content, { aside, class: more = "" } = {}) {
  return h(
    "section",
    { class: `panel card ${more}` },
    h("div", { class: "panel-head" }, h("h2", {}, title), aside),
    h("div", { class: "panel-body" }, content),
  );
}

/** Facts as [[name, value], …]; those without a value are left out. */
export function facts(rows) {
  const known = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h(
    "dl",
    { class: "fact-list" },
    known.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

/** A figure that is read at a glance, with a line below it; `tone` as for a badge. */
export function tile(title, value, note = "", tone = "") {
  return h(
    "div",
    { class: `tile card ${tone && `tile-${tone}`}` },
    h("span", { class: "tile-title" }, title),
    h("b", { class: "tile-value number" }, value),
    h("small", {}, note),
  );
}

/** Ask before something that cannot be undone; true if `word` was chosen. */
export function confirmed(title, text, word) {
  return new Promise((resolve) => {
    let answer = false;
    const yes = () => {
      answer = true;
      asking.close();
    };
    const actions = [
      button(t("app.cancel"), { onclick: () => asking.close() }),
      button(word, { kind: "danger", onclick: yes }),
    ];
    const asking = dialog(title, h("p", {}, text), { actions, onclose: () => resolve(answer) });
  });
}
