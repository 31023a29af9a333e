// Parts of a page of which one is shown: tabs, by click or by the arrow keys. Each part is loaded when it is first shown.

import { h } from "./h.js";
import { skeleton } from "./states.js";

let made = 0;

/**
 * `parts`: [{name, title, load() → a promise of an element}]; `chosen(name)` is called when the reader chooses another
 * one. `.refresh()` calls the shown element's own `refresh`, if it has one; `.choose(name)` shows a part.
 */
export function tabs(label, parts, first, chosen) {
  const id = `tabs-${(made += 1)}`;
  const buttons = new Map();
  const panels = new Map();
  const list = h("div", { class: "tab-list", role: "tablist", "aria-label": label });
  const place = h("div", { class: "tab-place" });
  let now = "";

  for (const { name, title } of parts) {
    const one = h(
      "button",
      { type: "button", role: "tab", class: "tab", id: `${id}-${name}`, onclick: () => (choose(name), chosen(name)) },
      title,
    );
    buttons.set(name, one);
    list.append(one);
  }
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return; // Alt+← is the browser's own
    event.preventDefault();
    const at = parts.findIndex((part) => part.name === now);
    const next = parts[(at + step + parts.length) % parts.length].name;
    choose(next);
    chosen(next);
    buttons.get(next).focus();
  });

  function choose(name) {
    now = name;
    for (const [one, tab] of buttons) {
      tab.setAttribute("aria-selected", String(one === name));
      tab.tabIndex = one === name ? 0 : -1;
      if (panels.has(one)) panels.get(one).hidden = one !== name;
    }
    if (panels.has(name)) {
      panels.get(name).shown?.refresh?.();
      return;
    }
    const panel = h("div", { role: "tabpanel", class: "tab-panel", "aria-labelledby": `${id}-${name}` }, skeleton("row", 4));
    panels.set(name, panel);
    place.append(panel);
    fill(name, panel);
  }

  async function fill(name, panel) {
    try {
      panel.shown = await parts.find((part) => part.name === name).load();
      panel.replaceChildren(panel.shown);
    } catch (error) {
      panels.delete(name); // so that choosing it again tries again
      panel.remove();
      throw error;
    }
  }

  const element = h("div", { class: "tabs" }, list, place);
  element.choose = choose;
  element.refresh = () => panels.get(now)?.shown?.refresh?.();
  choose(parts.some((part) => part.name === first) ? first : parts[0].name);
  return element;
}
