// The system: alarms, measures over the last hours, keys and users, and the settings that hold.

import "../texts/system.js";
import { t } from "../texts.js";
import { h, pageHead, segments, setQuery, skeleton, style } from "../ui.js";

/** Name → its title, and the module whose `show(place, signal, head)` fills it. */
const PARTS = {
  overview: { title: t("system.overview"), load: () => import("./system_overview.js") },
  keys: { title: t("system.keys"), load: () => import("./system_keys.js") },
  users: { title: t("system.users"), load: () => import("./system_users.js") },
  settings: { title: t("system.settings"), load: () => import("./system_settings.js") },
};

export async function render(root, params, signal) {
  await style("pages/system.css");
  const asked = params.query.get("part");
  const first = asked in PARTS ? asked : "overview";
  const head = pageHead(t("system.title"));
  const place = h("div", { class: "system-part" });
  let here = new AbortController();
  signal.addEventListener("abort", () => here.abort());

  async function show(name) {
    here.abort();
    here = new AbortController();
    const mine = here.signal;
    setQuery("/system", { part: name === "overview" ? "" : name });
    place.replaceChildren(skeleton("row", 4));
    const module = await PARTS[name].load();
    if (!mine.aborted && !signal.aborted) await module.show(place, mine, head);
  }

  const options = Object.entries(PARTS).map(([name, part]) => [name, part.title]);
  root.replaceChildren(head, h("div", { class: "system-parts" }, segments(t("system.parts"), options, first, show)), place);
  await show(first);
}
