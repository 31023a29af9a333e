// The latest statuses of a vehicle, all of them as CSV.

import { page, respond } from "../../api.js";
import { number, t } from "../../texts.js";
import { button, channel, h, latest, saveFile, stateBadge, table, when } from "../../ui.js";
import { openStatus } from "./status.js";

const ROWS = 20;
const ROWS_MAX = 1000; // of an answer

export async function statuses(vehicle, path, { signal }) {
  const place = h("div", {});
  let rows = [];
  let next = null;
  const more = button(t("app.older"), { onclick: () => load(next) });
  const newest = () => page(`${path}/statuses`, { order: "desc", limit: Math.min(Math.max(ROWS, rows.length), ROWS_MAX) }, signal);

  /** The rows from `from` on below those that stand here; without it all that the reader has seen, anew. */
  const load = latest((from) => (from ? page(from, {}, signal) : newest()), shown);

  function shown(found, from) {
    rows = from ? rows.concat(found.rows) : found.rows;
    next = found.next;
    more.hidden = next === null;
    place.replaceChildren(table(COLUMNS, rows, { caption: t("vehicle.statuses"), compact: true, onrow: (row) => openStatus(path, row, signal) }));
  }

  /** By fetch, because a link sends no key. */
  async function save() {
    const answer = await respond("GET", `${path}/statuses`, { query: { format: "csv" }, signal });
    saveFile(`${vehicle}.csv`, await answer.blob());
  }

  const csv = button(t("vehicle.csv"), { icon: "download", onclick: save });
  const element = h("div", { class: "vehicle-list" }, h("div", { class: "vehicle-list-head" }, h("p", {}), csv), place, more);
  element.refresh = () => load();
  await load();
  return element;
}

const COLUMNS = [
  { title: t("time.measured"), cell: (row) => when(row.time_ms, row.received_ms) },
  { title: t("vehicle.state"), cell: (row) => stateBadge(row.state) },
  { title: t("vehicle.charge"), class: "number", cell: (row) => value(row.current_charge) },
  { title: t("vehicle.range"), class: "number", cell: (row) => value(row.range) },
  { title: t("vehicle.channel"), cell: (row) => channel(row.channel) },
  { title: t("vehicle.payload"), class: "mono is-wide", cell: (row) => row.rawdata || "–" },
];

function value(given) {
  return typeof given === "number" ? number(given, 1) : "–";
}
