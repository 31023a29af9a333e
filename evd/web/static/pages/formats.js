// Formats: the list, an editor with a live check, assignment, and decoding again.

import "../texts/formats.js";
import { get } from "../api.js";
import { t, tn } from "../texts.js";
import { badge, button, h, latest, pageHead, setQuery, skeleton, style } from "../ui.js";
import { editor } from "./formats_editor.js";
import { redecodePanel } from "./formats_redecode.js";
import { usersPanel } from "./formats_users.js";

const ORIGINS = { "built in": t("formats.origin.built_in"), "evd.toml": t("formats.origin.settings") };
const NEW = { grammar: "", fields: {} };

export async function render(root, params, signal) {
  await Promise.all([style("pages/formats.css"), style("ui/bits.css")]);
  const list = h("ul", { class: "formats-list card", "aria-label": t("formats.list") });
  const side = h("div", { class: "formats-side" }, skeleton("row", 3));
  const make = button(t("formats.new"), { kind: "main", icon: "plus", onclick: () => open(null) });
  root.replaceChildren(pageHead(t("formats.title"), make), h("div", { class: "formats" }, list, side));

  let rows = [];

  function item(row, chosen) {
    const uses = [row.vehicles && tn("formats.vehicles", row.vehicles), row.device_types && tn("formats.types", row.device_types)];
    const used = uses.filter(Boolean).join(", ");
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "formats-item", "aria-current": String(chosen), onclick: () => open(row.name) },
        h("b", {}, row.name),
        h("span", {}, row.default && badge(t("formats.default"), { tone: "info" }), ORIGINS[row.origin] && badge(ORIGINS[row.origin])),
        h("small", {}, used || t("formats.unused")),
      ),
    );
  }

  /** Edit the format of this name; null: a new one, which begins as `from`. */
  const open = latest((name, from = NEW) => (name === null ? copyOf(from) : get(`/formats/${encodeURIComponent(name)}`, {}, signal)), shown);

  function shown(format, name) {
    setQuery("/formats", { name });
    list.replaceChildren(...rows.map((row) => item(row, row.name === name)));
    const removed = () => render(root, { query: new URLSearchParams() }, signal);
    const parts = [editor(format, { saved: changed, removed, copy: () => open(null, format), signal })];
    if (name !== null) parts.push(usersPanel(format, { changed: () => changed(name), signal }), redecodePanel(format, signal));
    side.replaceChildren(...parts);
  }

  async function changed(name) {
    rows = await get("/formats", {}, signal);
    await open(name);
  }

  rows = await get("/formats", {}, signal);
  const asked = params.query.get("name");
  const first = rows.find((row) => row.name === asked) || rows.find((row) => row.default) || rows[0];
  await open(first ? first.name : null);
}

/** What the editor has of a format that is not saved yet. */
function copyOf({ grammar, fields }) {
  return { name: "", grammar, fields, origin: "database", vehicles: [], device_types: [] };
}
