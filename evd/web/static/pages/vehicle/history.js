// The chart of a span with what happened in it: the data of the span that is asked for, near in at a finer step.

import { get, page } from "../../api.js";
import { t } from "../../texts.js";
import { button, empty, h, latest, segments, select, skeleton } from "../../ui.js";
import { chart } from "./chart.js";
import { chargeOf, sampleTime } from "./events.js";

const DAY_MS = 86400000;
/** Span → its length in ms; null: all that is kept. */
const SPANS = { day: DAY_MS, week: 7 * DAY_MS, month: 30 * DAY_MS, all: null };
const FIRST = "day";
/** Widths of buckets; the finest is used that gives no more than POINTS of them. */
const WIDTHS = [
  [60000, "1m"],
  [300000, "5m"],
  [600000, "10m"],
  [1800000, "30m"],
  [3600000, "1h"],
  [6 * 3600000, "6h"],
  [DAY_MS, "1d"],
  [7 * DAY_MS, "7d"],
];
const POINTS = 600;
const PAGE = 1000;
const EVENTS = 200;
const SPAN_MIN_MS = 60000;
/** What stands at each side of a session that is opened, as a share of its length; ms at least. */
const ROOM = 0.25;
const ROOM_MIN_MS = 900000;

const SECONDS = [
  { field: "range", unit: "km", title: t("vehicle.range") },
  { field: "current", unit: "A", title: t("vehicle.current") },
  { field: "indoor_temperature", unit: "°C", title: t("vehicle.indoor") },
  { field: "outdoor_temperature", unit: "°C", title: t("vehicle.outdoor") },
  { field: "elec_consumption", unit: "kWh/100 km", title: t("vehicle.consumption") },
  { field: "remain_time", unit: "min", title: t("vehicle.remaining") },
];

/** `pointed(ms)` is called for the time under the cursor; `.point(ms)` sets it, `.open({from, until})` shows a span. */
export function history(path, { pointed, loaded = () => {}, signal }) {
  const place = h("div", { class: "vehicle-history" }, skeleton("card", 1));
  const legend = h("ul", { class: "vehicle-legend" }, LEGEND.map(legendRow));
  const back = button(t("vehicle.whole"), { icon: "refresh", hidden: true, onclick: () => showWhole() });
  let span = FIRST;
  let second = SECONDS[0];
  let near = null; // the span that the reader chose inside of this one: {from, until}
  let chosen = null; // the session that is open: {from, until}
  let mark = null; // the number of the event that is open
  let graph = null;
  let making = null; // the graph's promise: there is one, however often it is asked for

  const draw = latest(() => {
    making ??= chart({ zoomed, whole: showWhole, pointed, signal });
    return Promise.all([dataOf(path, near ?? spanOf(span), second.field, signal), making]);
  }, shown);

  function shown([wanted, made]) {
    graph = made;
    back.hidden = near === null;
    legend.hidden = false;
    loaded(wanted);
    if (!wanted.rows.length) {
      place.replaceChildren(empty({ icon: "clock", title: t("vehicle.none"), text: t("vehicle.none.next") }));
      return;
    }
    if (graph.parentNode !== place) place.replaceChildren(graph);
    const bands = wanted.bands.map((one) => ({ ...one, chosen: one.from === chosen?.from && one.until === chosen.until }));
    const marks = wanted.events.map((one) => ({ time: sampleTime(one), value: chargeOf(one), chosen: one.number === mark }));
    graph.update({ ...wanted, second, bands, marks });
  }

  function zoomed(from, until) {
    if (until - from < SPAN_MIN_MS) return undefined;
    near = { from: Math.round(from), until: Math.round(until) };
    return draw();
  }

  function showWhole() {
    near = chosen = mark = null;
    return draw();
  }

  const spans = Object.keys(SPANS).map((name) => [name, SPAN_TEXTS[name]]);
  const chooser = segments(t("vehicle.span"), spans, FIRST, (name) => ((span = name), showWhole()));
  const measure = select(
    SECONDS.map(({ field, title }) => [field, title]),
    second.field,
    {
      "aria-label": t("vehicle.second"),
      onchange: (event) => ((second = SECONDS.find(({ field }) => field === event.target.value)), draw()),
    },
  );
  const element = h(
    "section",
    { class: "card vehicle-section vehicle-chart" },
    h("div", { class: "vehicle-section-head" }, h("h2", {}, t("vehicle.history")), back, measure, chooser),
    place,
    legend,
  );
  element.refresh = draw;
  element.point = (ms) => graph?.point(ms);
  element.open = ({ from, until, event = null }) => {
    const room = Math.max((until - from) * ROOM, ROOM_MIN_MS);
    chosen = { from, until };
    mark = event;
    near = { from: from - room, until: until + room };
    element.scrollIntoView({ block: "start" });
    return draw();
  };
  return element;
}

const SPAN_TEXTS = {
  day: t("vehicle.span.day"),
  week: t("vehicle.span.week"),
  month: t("vehicle.span.month"),
  all: t("vehicle.span.all"),
};

const LEGEND = [
  ["charging", t("vehicle.sessions")],
  ["driving", t("vehicle.trips")],
  ["gap", t("vehicle.gap")],
  ["event", t("vehicle.events")],
];

function legendRow([kind, text]) {
  return h("li", {}, h("span", { class: `vehicle-swatch is-${kind}` }), text);
}

function spanOf(name) {
  const until = Date.now();
  return { from: SPANS[name] === null ? null : until - SPANS[name], until };
}

/** {from, until, rows, bands, events} of a span; `from` null: from the first status on. */
async function dataOf(path, { from, until }, second, signal) {
  const times = { until: Math.round(until), ...(from !== null && { from: Math.round(from) }) };
  const length = from === null ? null : until - from;
  const [rows, sessions, trips, events] = await Promise.all([
    bucketsOf(path, times, length, second, signal),
    get(`${path}/sessions`, { ...times, limit: PAGE }, signal),
    get(`${path}/trips`, { ...times, limit: PAGE }, signal),
    get(`${path}/events`, { limit: EVENTS }, signal),
  ]);
  const bands = [...sessions.map((one) => band("charging", one)), ...trips.map((one) => band("driving", one))];
  const first = from ?? rows[0]?.start_ms ?? until - DAY_MS;
  return { from: first, until, rows, bands, events: events.filter((one) => sampleTime(one) >= first && sampleTime(one) <= until) };
}

async function bucketsOf(path, times, length, second, signal) {
  const width = length === null ? "1d" : (WIDTHS.find(([ms]) => length / ms <= POINTS) ?? WIDTHS.at(-1))[1];
  const query = { ...times, fields: `current_charge,location,${second}`, limit: PAGE };
  const { rows, next } = await page(`${path}/statuses`, { ...query, bucket: width }, signal);
  return next === null ? rows : get(`${path}/statuses`, { ...query, bucket: "7d" }, signal);
}

function band(kind, one) {
  return { kind, from: one.start_ms, until: one.end_ms };
}
