// The settings that hold, each with its meaning and where its value comes from.

import { get } from "../api.js";
import { t } from "../texts.js";
import { badge, empty, h, panel } from "../ui.js";

const ORIGINS = {
  "built-in": [t("settings.origin.built_in"), "quiet"],
  file: [t("settings.origin.file"), "info"],
  credential: [t("settings.origin.credential"), "info"],
  environment: [t("settings.origin.environment"), "warn"],
  flag: [t("settings.origin.flag"), "warn"],
};

export async function show(place, signal, head) {
  head.said("");
  const settings = await get("/system/settings", {}, signal);
  const list = h("div", {});
  const search = h("input", { class: "input", type: "search", placeholder: t("settings.search"), "aria-label": t("settings.search") });
  const changed = h("input", { type: "checkbox" });
  const draw = () => {
    const text = search.value.trim().toLowerCase();
    const found = settings.filter(
      (row) =>
        (!changed.checked || JSON.stringify(row.value) !== JSON.stringify(row.default)) &&
        (!text || row.path.includes(text) || row.meaning.toLowerCase().includes(text)),
    );
    const sections = new Map();
    for (const row of found) {
      const [section] = row.path.split(".");
      sections.set(section, [...(sections.get(section) || []), row]);
    }
    const nothing = empty({ icon: "gear", title: !text && changed.checked ? t("settings.none.changed") : t("settings.none") });
    list.replaceChildren(...(found.length ? [...sections].map(([name, rows]) => panel(`[${name}]`, rows.map(setting), { class: "settings" })) : [nothing]));
  };
  search.addEventListener("input", draw);
  changed.addEventListener("change", draw);
  place.replaceChildren(
    h("div", { class: "settings-tools" }, search, h("label", { class: "check" }, changed, h("span", {}, t("settings.changed")))),
    list,
  );
  draw();
}

function setting(row) {
  const [word, tone] = ORIGINS[row.origin];
  const differs = JSON.stringify(row.value) !== JSON.stringify(row.default);
  return h(
    "div",
    { class: differs ? "setting is-changed" : "setting" },
    h("div", { class: "setting-name" }, h("code", { class: "mono" }, row.path.split(".")[1]), h("p", { class: "muted" }, row.meaning)),
    h(
      "div",
      { class: "setting-value" },
      h("div", {}, h("code", { class: "mono" }, written(row.value)), row.unit && h("small", {}, ` ${row.unit}`)),
      differs && h("small", {}, t("settings.default", { value: written(row.default) })),
    ),
    h(
      "div",
      { class: "setting-origin" },
      badge(word, { tone }),
      row.origin !== "built-in" && h("small", { class: "setting-at" }, row.at.replace(/^.*\//, "")),
    ),
  );
}

function written(value) {
  if (value === "" || value === null || (typeof value === "object" && !Object.keys(value).length)) return t("settings.empty");
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}
