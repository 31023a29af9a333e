// A vehicle's events: what each one says, at which sample, and the list; an event opens inside the chart.

import { page } from "../../api.js";
import { number, t } from "../../texts.js";
import { badge, button, empty, h, latest, table, when } from "../../ui.js";

const ROWS = 50;
const ROWS_MAX = 1000; // of an answer
const HOUR_MS = 3600000;

/** Kind → tone, icon and title. */
const KINDS = {
  target_reached: ["good", "bolt", t("event.target_reached")],
  charging_stopped: ["warn", "plug", t("event.charging_stopped")],
  charge_low: ["warn", "alert", t("event.charge_low")],
  temperature: ["warn", "alert", t("event.temperature")],
  arrived: ["info", "map", t("event.arrived")],
  left: ["info", "road", t("event.left")],
  silent: ["bad", "silent", t("event.silent")],
  heard_again: ["quiet", "signal", t("event.heard_again")],
};

/** Field of a sample → how the two values that were compared are called. */
const COMPARED = {
  state: ["", t("vehicle.state")],
  current_charge: [" %", t("event.charge")],
  target_charge: [" %", t("event.target")],
  range: [" km", t("event.range")],
  indoor_temperature: [" °C", t("event.inside")],
  outdoor_temperature: [" °C", t("event.outside")],
  location: ["", t("event.place")],
};

/** Epoch ms of the sample that caused the event. */
export function sampleTime(event) {
  return event.samples?.at(-1)?.time ?? event.samples?.[0]?.time ?? event.time;
}

/** The charge of that sample in %, or null. */
export function chargeOf(event) {
  const value = event.samples?.at(-1)?.current_charge ?? event.details?.charge;
  return typeof value === "number" ? value : null;
}

export function eventBadge(event) {
  const [tone, shape, title] = KINDS[event.kind] ?? ["quiet", "bell", event.kind];
  return badge(title, { tone, icon: shape });
}

/** One sentence with the event's numbers. */
export function sentence({ kind, details: said }) {
  const figure = (value) => (typeof value === "number" ? number(value, 1) : "–");
  switch (kind) {
    case "target_reached":
      return t("event.target_reached.said", { charge: figure(said.charge), target: figure(said.target) });
    case "charging_stopped":
      return t("event.charging_stopped.said", { charge: figure(said.charge), target: figure(said.target) });
    case "charge_low":
      return t("event.charge_low.said", { charge: figure(said.charge), limit: figure(said.limit) });
    case "temperature":
      return t(said.side === "below" ? "event.temperature.below" : "event.temperature.above", {
        where: said.which === "indoor_temperature" ? t("event.inside") : t("event.outside"),
        value: figure(said.value),
        limit: figure(said.limit),
      });
    case "arrived":
    case "left":
      return said.place ?? "";
    case "silent":
    case "heard_again":
      return t("event.hours", { hours: figure(said.hours) });
    default:
      return "";
  }
}

/** `open({from, until, event})` shows a span of the chart. */
export function eventList(path, { open, signal }) {
  const place = h("div", {});
  let rows = [];
  let next = null;
  const more = button(t("app.older"), { hidden: true, onclick: () => load(next) });
  const element = h("div", { class: "vehicle-list" }, place, more);
  const newest = () => page(`${path}/events`, { limit: Math.min(Math.max(ROWS, rows.length), ROWS_MAX) }, signal);

  /** The rows from `from` on below those that stand here; without it all that the reader has seen, anew. */
  const load = latest((from) => (from ? page(from, {}, signal) : newest()), shown);

  function shown(found, from) {
    rows = from ? rows.concat(found.rows) : found.rows;
    next = found.next;
    more.hidden = next === null;
    place.replaceChildren(
      rows.length ? listed(rows, open) : empty({ icon: "bell", title: t("vehicle.events.none"), text: t("vehicle.events.none.next") }),
    );
  }

  element.refresh = () => load();
  return load().then(() => element);
}

function listed(rows, open) {
  const columns = [
    { title: t("time.measured"), cell: (row) => when(sampleTime(row), row.created) },
    { title: t("vehicle.event"), cell: eventBadge },
    { title: t("vehicle.event.said"), cell: sentence },
    { title: t("vehicle.event.compared"), class: "number", cell: compared },
  ];
  const onrow = (row) => {
    const [before] = row.samples ?? [];
    const at = sampleTime(row);
    open({ from: before?.time ?? at - HOUR_MS, until: at, event: row.number });
  };
  return table(columns, rows, { caption: t("vehicle.events"), compact: true, onrow });
}

/** The values of the two samples, as 82 % → 80 %. */
function compared(event) {
  const [before, after] = event.samples ?? [];
  const lines = Object.entries(COMPARED).flatMap(([field, [unit, title]]) => {
    const values = [before, after].map((one) => one?.[field]).filter((one) => one !== undefined && one !== null);
    if (!values.length || field === "state") return [];
    const shown = [...new Set(values)].map((one) => (typeof one === "number" ? `${number(one, 1)}${unit}` : String(one)));
    return [h("div", { class: "vehicle-compared" }, h("small", {}, title), " ", shown.join(" → "))];
  });
  return lines.length ? h("div", {}, lines) : "–";
}
