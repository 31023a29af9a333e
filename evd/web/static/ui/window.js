// A long list of which only what is near the screen stands in the document.

import { h } from "./h.js";

const OVERSCAN = 600; // pixels above and below the screen

/**
 * `make(row)` gives an element for a row, whose `.update(row)` shows another state of it; `key(row)` names a row.
 * `size()` gives {columns, height, gap} for now; `nearEnd()` is called when the reader comes near the last row.
 * The list scrolls with the page. `show(rows)` sets the rows; `changed(key)` redraws one. Ends with `signal`.
 */
export function windowed({ make, key, size, nearEnd, label, signal }) {
  const element = h("ul", { class: "windowed", "aria-label": label });
  const made = new Map();
  let rows = [];
  let frame = 0;

  const later = () => {
    if (!frame) frame = requestAnimationFrame(() => draw());
  };

  function draw({ overscan = OVERSCAN } = {}) {
    frame = 0;
    if (signal.aborted) return;
    // What the browser must lay out for is read before anything changes.
    const [whole, top] = [element.clientWidth, -element.getBoundingClientRect().top];
    const { columns, height, gap } = size(whole);
    const step = height + gap;
    const lines = Math.ceil(rows.length / columns);
    element.style.setProperty("height", `${Math.max(0, lines * step - gap)}px`);
    const first = Math.max(0, Math.floor((top - overscan) / step)) * columns;
    const last = Math.min(rows.length, Math.ceil((top + window.innerHeight + overscan) / step) * columns);
    const width = (whole - gap * (columns - 1)) / columns;
    const wanted = new Map();
    for (let at = first; at < last; at += 1) wanted.set(key(rows[at]), at);
    for (const [name, one] of made) {
      if (!wanted.has(name) && !one.contains(document.activeElement)) {
        one.remove();
        made.delete(name);
      }
    }
    let before = element.firstElementChild;
    for (const [name, at] of wanted) {
      let one = made.get(name);
      if (!one) {
        one = make(rows[at]);
        made.set(name, one);
      }
      if (one.row !== rows[at]) {
        one.row = rows[at];
        one.update(rows[at]);
      }
      one.setAttribute("aria-posinset", at + 1);
      one.setAttribute("aria-setsize", rows.length);
      const place = `translate(${(at % columns) * (width + gap)}px, ${Math.floor(at / columns) * step}px)`;
      if (one.place !== place + width) {
        one.place = place + width;
        one.style.setProperty("transform", place);
        one.style.setProperty("width", `${width}px`);
        one.style.setProperty("height", `${height}px`);
      }
      if (one === before) before = before.nextElementSibling;
      else element.insertBefore(one, before);
    }
    if (overscan && last >= rows.length - columns * 4) nearEnd();
  }

  window.addEventListener("scroll", later, { passive: true, signal });
  const observer = new ResizeObserver(later);
  observer.observe(element);
  signal.addEventListener("abort", () => observer.disconnect());

  element.show = (given) => {
    rows = given;
    // The first time the screen's own rows come at once, the others in the frame behind it.
    if (!made.size && element.isConnected) draw({ overscan: 0 });
    later();
  };
  element.changed = (name) => {
    const one = made.get(name);
    if (one) one.update(one.row);
  };
  element.reset = () => {
    for (const one of made.values()) one.remove();
    made.clear();
    later();
  };
  return element;
}
