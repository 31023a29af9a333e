// Tables of rows that are objects.

import { h } from "./h.js";

/**
 * `columns`: [{title, cell(row) → node or text, class}]; `number` in its class aligns to the right. On a phone each row
 * becomes a block, in which `title` stands before each value; `compact`: above it, two beside each other. `caption` is
 * for screen readers. `onrow(row)` is called for a click and for Enter.
 */
export function table(columns, rows, { caption, onrow, compact = false } = {}) {
  const head = columns.map((column) => h("th", { scope: "col", class: column.class }, column.title));
  return h(
    "div",
    { class: "table-frame" },
    h(
      "table",
      { class: compact ? "table is-compact" : "table" },
      caption && h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, head)),
      h(
        "tbody",
        {},
        rows.map((row) => line(columns, row, onrow)),
      ),
    ),
  );
}

function line(columns, row, onrow) {
  const attrs = onrow
    ? { tabindex: 0, class: "is-link", onclick: () => onrow(row), onkeydown: (event) => event.key === "Enter" && onrow(row) }
    : {};
  return h(
    "tr",
    attrs,
    columns.map((column) => h("td", { class: column.class, dataset: { title: column.title } }, column.cell(row))),
  );
}
