// One vehicle: what it says now, its charge and range over a span, and its latest statuses. Live.

import { follow, get, page, respond } from "../api.js";
import { number, quantity, t } from "../texts.js";
import { button, channel, empty, gauge, h, replaceText, segments, skeleton, stateBadge, style, table, when } from "../ui.js";
import { chart } from "./vehicle_chart.js";

const DAY_MS = 86400000;
/** Span → its length in ms, and how long the buckets are that its statuses are gathered in. */
const SPANS = {
  day: [DAY_MS, "10m"],
  week: [7 * DAY_MS, "1h"],
  month: [30 * DAY_MS, "6h"],
  all: [null, "1d"],
};
const FIRST = "day";
const BUCKETS_MAX = 1000;
const LATEST = 20;

export async function render(root, params, signal) {
  await style("pages/vehicle.css");
  const path = `/vehicles/${encodeURIComponent(params.vehicle)}`;
  const head = header();
  const history = historyOf(path, signal);
  const latest = h("div", {});
  const options = Object.keys(SPANS).map((name) => [name, SPAN_TEXTS[name]]);
  root.replaceChildren(
    h("a", { class: "vehicle-back", href: "#/fleet" }, t("vehicle.back")),
    head,
    section(t("vehicle.history"), segments(t("vehicle.span"), options, FIRST, history.choose), history.place),
    section(t("vehicle.statuses"), csvButton(params.vehicle, path), latest),
  );
  const refresh = async () => {
    head.update(await get(path, {}, signal));
    await Promise.all([listed(latest, path, signal), history.refresh()]);
  };
  await refresh();
  // The stream begins with the last status, so none is missed between the two.
  follow("/stream", { vehicle: params.vehicle }, { onEvent: refresh, signal });
}

const SPAN_TEXTS = {
  day: t("vehicle.span.day"),
  week: t("vehicle.span.week"),
  month: t("vehicle.span.month"),
  all: t("vehicle.span.all"),
};

function section(title, aside, content) {
  return h("section", { class: "card vehicle-section" }, h("div", { class: "vehicle-section-head" }, h("h2", {}, title), aside), content);
}

/** By fetch, because a link sends no key. */
function csvButton(vehicle, path) {
  const save = async () => {
    const answer = await respond("GET", `${path}/statuses`, { query: { format: "csv" } });
    const address = URL.createObjectURL(await answer.blob());
    h("a", { href: address, download: `${vehicle}.csv` }).click();
    URL.revokeObjectURL(address);
  };
  return button(t("vehicle.csv"), { icon: "download", onclick: save });
}

/** Name, state, charge, range and the age of the data; `update(vehicle)` changes it in place. */
function header() {
  const name = h("h1", {});
  const id = h("span", { class: "mono muted" });
  const state = h("span", {});
  const battery = gauge();
  const charge = h("b", { class: "number" });
  const range = h("b", { class: "number" });
  const age = when(null, null);
  const element = h(
    "div",
    { class: "vehicle-now" },
    h("div", { class: "vehicle-now-names" }, name, id, state),
    battery,
    h("div", { class: "vehicle-now-figures" }, charge, range, age),
  );
  element.update = (vehicle) => {
    replaceText(name, vehicle.name || vehicle.vehicle);
    replaceText(id, [vehicle.name && vehicle.vehicle, vehicle.regNumber].filter(Boolean).join(" · "));
    state.replaceChildren(stateBadge(vehicle.state));
    battery.update(vehicle.current_charge, vehicle.target_charge, vehicle.state);
    replaceText(charge, quantity(vehicle.current_charge, "%"));
    replaceText(range, quantity(vehicle.range, "km"));
    age.update(vehicle.last_time_ms, vehicle.last?.received_ms);
  };
  return element;
}

/** The chart of a span: `choose(span)` shows another one, `refresh()` what has come since. */
function historyOf(path, signal) {
  const place = h("div", { class: "vehicle-history" }, skeleton("card", 1));
  let span = FIRST;
  let graph = null;
  let asked = 0;

  async function draw(whole) {
    const [length, bucket] = SPANS[span];
    const from = length === null ? undefined : new Date(Date.now() - length).toISOString();
    const query = { bucket, fields: "current_charge,range", limit: BUCKETS_MAX, ...(from && { from }) };
    const turn = (asked += 1);
    const { rows } = await page(`${path}/statuses`, query, signal);
    graph ??= await chart(signal);
    if (turn !== asked || signal.aborted) return; // another span was chosen meanwhile
    if (!rows.length) {
      place.replaceChildren(empty({ icon: "clock", title: t("vehicle.none"), text: t("vehicle.none.next") }));
      return;
    }
    if (graph.parentNode !== place) place.replaceChildren(graph);
    graph.update(rows, { whole });
  }

  return { place, choose: (chosen) => ((span = chosen), draw(true)), refresh: () => draw(false) };
}

async function listed(place, path, signal) {
  const { rows } = await page(`${path}/statuses`, { order: "desc", limit: LATEST }, signal);
  const measured = (row) => when(row.time_ms, row.received_ms);
  const columns = [
    { title: t("time.measured"), cell: measured },
    { title: t("vehicle.state"), cell: (row) => stateBadge(row.state) },
    { title: t("vehicle.charge"), class: "number", cell: (row) => value(row.current_charge) },
    { title: t("vehicle.range"), class: "number", cell: (row) => value(row.range) },
    { title: t("vehicle.channel"), cell: (row) => channel(row.channel) },
    { title: t("vehicle.payload"), class: "mono", cell: (row) => row.rawdata || "–" },
  ];
  place.replaceChildren(table(columns, rows, { caption: t("vehicle.statuses") }));
}

function value(given) {
  return typeof given === "number" ? number(given, 1) : "–";
}
