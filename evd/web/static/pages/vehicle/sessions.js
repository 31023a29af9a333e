// Charge sessions and trips: tables with CSV; a row opens inside the chart at its span.

import { page } from "../../api.js";
import { number, quantity, t } from "../../texts.js";
import { badge, button, csvOf, duration, empty, h, latest, saveFile, table, when } from "../../ui.js";
import { curve } from "./curve.js";

const DAY_MS = 86400000;
const RECENT_MS = 90 * DAY_MS;
const PAGE = 1000;
const ROWS_MAX = 200;
const FILE_ROWS_MAX = 50000;

const times = [
  ["start", (row) => row.start],
  ["end", (row) => row.end],
  ["state", (row) => row.state],
  ["from_percent", (row) => row.from_percent],
  ["to_percent", (row) => row.to_percent],
  ["energy_kwh", (row) => row.energy_kwh],
];

/** Subject → its route's last part, what its rows show, what its file has, and its totals. */
const SUBJECTS = {
  sessions: {
    icon: "bolt",
    title: t("vehicle.sessions"),
    none: t("vehicle.sessions.none"),
    next: t("vehicle.sessions.none.next"),
    columns: [
      { title: t("vehicle.peak"), class: "number", cell: (row) => quantity(row.peak_current_a, "A", 1) },
      { title: t("vehicle.cost"), class: "number", cell: cost },
    ],
    file: [
      ...times,
      ["peak_current_a", (row) => row.peak_current_a],
      ["cost", (row) => row.cost],
      ["currency", (row) => row.currency],
      ["place", (row) => row.place],
    ],
    totals: (rows) => [kwh(rows), costs(rows)],
  },
  trips: {
    icon: "road",
    title: t("vehicle.trips"),
    none: t("vehicle.trips.none"),
    next: t("vehicle.trips.none.next"),
    columns: [
      { title: t("vehicle.km"), class: "number", cell: (row) => quantity(row.km_by_range ?? row.km_by_places, "km", 1) },
      { title: t("vehicle.per100"), class: "number", cell: per100 },
    ],
    file: [
      ...times,
      ["km_by_range", (row) => row.km_by_range],
      ["km_by_places", (row) => row.km_by_places],
      ["from_place", (row) => row.from_place],
      ["to_place", (row) => row.to_place],
    ],
    totals: (rows) => [kwh(rows), quantity(sum(rows, (row) => row.km_by_range ?? row.km_by_places), "km")],
  },
};

/** A table of `subject`, "sessions" or "trips". `open({from, until})` shows a span of the chart. */
export async function activities(vehicle, path, subject, { open, about: given, signal }) {
  const about = SUBJECTS[subject];
  const place = h("div", {});
  const detail = h("div", {});
  const totals = h("p", { class: "muted number" });
  const all = button(t("app.older"), { onclick: () => ((recent = false), load()) });
  const csv = button(t("vehicle.csv"), { icon: "download", onclick: () => save() });
  const element = h(
    "div",
    { class: "vehicle-list" },
    h("div", { class: "vehicle-list-head" }, totals, csv),
    detail,
    place,
    all,
  );
  let recent = true;

  const load = latest(() => everything(`${path}/${subject}`, recent ? Date.now() - RECENT_MS : undefined, signal), (found) => {
    const rows = found.reverse();
    const shown = rows.slice(0, ROWS_MAX);
    all.hidden = !recent;
    csv.hidden = !rows.length;
    const sums = about.totals(rows).filter(Boolean);
    totals.textContent = rows.length
      ? [`${recent ? t("vehicle.days90") : t("vehicle.span.all")}: ${number(rows.length)}`, ...sums].join(" · ")
      : "";
    place.replaceChildren(
      rows.length ? listed(about, shown, subject === "sessions" ? opened : open) : empty({ icon: about.icon, title: about.none, text: about.next }),
    );
  });

  /** A session opens in the chart, and its charging curve above the table. */
  async function opened(span) {
    const [made] = await Promise.all([curve(path, span, given().profile, signal), open(span)]);
    detail.replaceChildren(made);
  }

  async function save() {
    const rows = await everything(`${path}/${subject}`, undefined, signal);
    saveFile(`${vehicle}-${subject}.csv`, csvOf(about.file, rows));
  }

  element.refresh = load;
  await load();
  return element;
}

export async function everything(address, from, signal) {
  const rows = [];
  let next = null;
  do {
    const found = next ? await page(next, {}, signal) : await page(address, { from, limit: PAGE }, signal);
    rows.push(...found.rows);
    next = found.next;
  } while (next && rows.length < FILE_ROWS_MAX);
  return rows;
}

function listed(about, rows, open) {
  const columns = [
    { title: t("vehicle.began"), cell: (row) => began(row) },
    { title: t("vehicle.lasted"), class: "number", cell: (row) => duration((row.end_ms - row.start_ms) / 1000) },
    { title: t("event.charge"), class: "number", cell: (row) => `${percent(row.from_percent)} → ${percent(row.to_percent)}` },
    { title: t("vehicle.energy"), class: "number", cell: (row) => quantity(row.energy_kwh, "kWh", 1) },
    ...about.columns,
  ];
  const onrow = (row) => open({ from: row.start_ms, until: row.end_ms });
  return table(columns, rows, { caption: about.title, compact: true, onrow });
}

function began(row) {
  const marks = { open: badge(t("vehicle.open"), { tone: "good", icon: "bolt" }), inferred: badge(t("vehicle.inferred"), { icon: "question" }) };
  return h("span", { class: "vehicle-began" }, when(row.start_ms, null), marks[row.state]);
}

function percent(value) {
  return quantity(value, "%");
}

function cost(row) {
  return row.cost === null ? "–" : `${number(row.cost, 2)} ${row.currency}`;
}

function per100(row) {
  const km = row.km_by_range ?? row.km_by_places;
  return km && row.energy_kwh !== null ? quantity((row.energy_kwh / km) * 100, "kWh", 1) : "–";
}

export function sum(rows, value) {
  return rows.reduce((total, row) => total + (value(row) ?? 0), 0);
}

export function kwh(rows) {
  return rows.some((row) => row.energy_kwh !== null) && quantity(sum(rows, (row) => row.energy_kwh), "kWh", 1);
}

/** By currency: a vehicle's tariff may have changed it. */
export function costs(rows) {
  const totals = new Map();
  for (const row of rows) if (row.cost !== null) totals.set(row.currency, (totals.get(row.currency) ?? 0) + row.cost);
  return [...totals].map(([currency, total]) => `${number(total, 2)} ${currency}`).join(" + ");
}
