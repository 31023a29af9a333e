// Charge and range over time, by uPlot. A gap in the data is a gap in the line; dragging zooms, a double click undoes it.

import { currentLanguage, t } from "../texts.js";
import { style } from "../ui.js";

const HEIGHT = 260;
const DAY_S = 86400;
/** Buckets without a status between two that have some: more than so many are a gap. */
const GAP_BUCKETS = 3;

/** Draw buckets of /statuses into `place`, which is emptied first; it follows the width of `place`. */
export async function chart(place, buckets, signal) {
  const [{ default: UPlot }] = await Promise.all([import("../vendor/uplot.js"), style("vendor/uplot.css")]);
  if (signal.aborted) return;
  const looks = getComputedStyle(place);
  const colour = (name) => looks.getPropertyValue(name).trim();
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const hour = new Intl.DateTimeFormat(currentLanguage(), { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(currentLanguage(), { day: "numeric", month: "short" });
  /** Hours where they differ, days where marks are a day or more apart. */
  const marks = (_, times, __, ___, step) => times.map((time) => (step < DAY_S ? hour : day).format(time * 1000));
  const options = {
    width: place.clientWidth,
    height: HEIGHT,
    series: [
      { label: t("time.measured"), value: (_, time) => (time === null ? "–" : new Date(time * 1000).toLocaleString(currentLanguage())) },
      { label: t("vehicle.charge"), stroke: colour("--accent"), width: 2, scale: "charge" },
      { label: t("vehicle.range"), stroke: colour("--muted"), width: 1.5, dash: [6, 4], scale: "range" },
    ],
    scales: { charge: { range: [0, 100] }, range: { range: (_, low, high) => [0, Math.max(high || 0, 10) * 1.1] } },
    axes: [{ ...axis, values: marks }, { ...axis, scale: "charge" }, { ...axis, scale: "range", side: 1, grid: { show: false } }],
  };
  place.replaceChildren();
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", t("vehicle.chart"));
  const plot = new UPlot(options, withGaps(buckets), place);
  const fit = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT }));
  fit.observe(place);
  const end = () => (fit.disconnect(), plot.destroy());
  signal.addEventListener("abort", end, { once: true });
}

/** uPlot's columns: times in s, charge, range; null where a gap begins. */
function withGaps(buckets) {
  const steps = buckets.slice(1).map((one, index) => one.start_ms - buckets[index].start_ms);
  const step = Math.min(...steps, Infinity);
  const columns = [[], [], []];
  let before = null;
  for (const bucket of buckets) {
    if (before !== null && bucket.start_ms - before > GAP_BUCKETS * step) put(columns, before + step, {});
    put(columns, bucket.start_ms, bucket.fields);
    before = bucket.start_ms;
  }
  return columns;
}

function put(columns, time_ms, fields) {
  columns[0].push(time_ms / 1000);
  columns[1].push(fields.current_charge?.mean ?? null);
  columns[2].push(fields.range?.mean ?? null);
}
