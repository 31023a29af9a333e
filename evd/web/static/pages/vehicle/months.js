// Charging by month: sessions, energy and cost; a month with its sessions is printed as a page of its own.

import { currentLanguage, number, quantity, t } from "../../texts.js";
import { button, duration, empty, exact, h, latest, table } from "../../ui.js";
import { costs, everything, kwh, sum } from "./sessions.js";

export async function months(path, { about, signal }) {
  const element = h("div", { class: "vehicle-list" });
  let chosen = null;
  element.refresh = latest(() => everything(`${path}/sessions`, undefined, signal), (sessions) => {
    const found = byMonth(sessions);
    if (!found.length) {
      element.replaceChildren(empty({ icon: "bolt", title: t("vehicle.sessions.none"), text: t("vehicle.sessions.none.next") }));
      return;
    }
    const now = found.find((one) => one.key === chosen) ?? found[0];
    const open = (one) => {
      chosen = one.key;
      sheet.replaceWith((sheet = sheetOf(one, about())));
      sheet.scrollIntoView({ block: "nearest" });
    };
    let sheet = sheetOf(now, about());
    element.replaceChildren(table(COLUMNS, found, { caption: t("months.title"), compact: true, onrow: open }), sheet);
  });
  await element.refresh();
  return element;
}

const COLUMNS = [
  { title: t("months.month"), cell: (one) => one.name },
  { title: t("vehicle.sessions"), class: "number", cell: (one) => number(one.rows.length) },
  { title: t("vehicle.energy"), class: "number", cell: (one) => kwh(one.rows) || "–" },
  { title: t("vehicle.cost"), class: "number", cell: (one) => costs(one.rows) || "–" },
  { title: t("months.price"), class: "number", cell: (one) => price(one.rows) },
];

const SESSION = [
  { title: t("vehicle.began"), cell: (row) => exact(row.start_ms) },
  { title: t("vehicle.lasted"), class: "number", cell: (row) => duration((row.end_ms - row.start_ms) / 1000) },
  { title: t("event.charge"), class: "number", cell: (row) => `${quantity(row.from_percent, "%")} → ${quantity(row.to_percent, "%")}` },
  { title: t("vehicle.energy"), class: "number", cell: (row) => quantity(row.energy_kwh, "kWh", 1) },
  { title: t("vehicle.cost"), class: "number", cell: (row) => costs([row]) || "–" },
];

function sheetOf({ name, rows }, vehicle) {
  const who = [vehicle.name || vehicle.vehicle, vehicle.regNumber].filter(Boolean).join(" · ");
  const total = [kwh(rows), costs(rows)].filter(Boolean).join(" · ");
  return h(
    "section",
    { class: "card month-sheet" },
    h(
      "div",
      { class: "vehicle-list-head" },
      h("div", {}, h("h3", {}, t("months.report", { month: name })), h("p", { class: "muted" }, who)),
      button(t("months.print"), { icon: "print", class: "no-print", onclick: () => window.print() }),
    ),
    table(SESSION, rows, { caption: t("months.report", { month: name }), compact: true }),
    h("p", { class: "month-total number" }, `${t("months.total")}: ${total || "–"}`),
  );
}

/** [{key, name, rows}] by the month in which a session began, the newest first; its sessions in the order of time. */
export function byMonth(sessions) {
  const name = new Intl.DateTimeFormat(currentLanguage(), { month: "long", year: "numeric" });
  const by = new Map();
  for (const row of sessions) {
    const date = new Date(row.start_ms);
    const key = date.getFullYear() * 12 + date.getMonth();
    if (!by.has(key)) by.set(key, { key, name: name.format(date), rows: [] });
    by.get(key).rows.push(row);
  }
  return [...by.values()].sort((a, b) => b.key - a.key);
}

/** The mean price of a kWh, of the sessions that have both; "–" where the currency changed. */
function price(rows) {
  const priced = rows.filter((row) => row.cost !== null && row.energy_kwh);
  const energy = sum(priced, (row) => row.energy_kwh);
  if (!energy || new Set(priced.map((row) => row.currency)).size > 1) return "–";
  return `${number(sum(priced, (row) => row.cost) / energy, 3)} ${priced[0].currency}`;
}
