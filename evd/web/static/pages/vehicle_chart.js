// Charge and range over time, by uPlot. A gap in the data is a gap in the line; dragging zooms, a double click undoes it.

import { currentLanguage, t } from "../texts.js";
import { h, style } from "../ui.js";

const HEIGHT = 260;
const DAY_S = 86400;
/** Buckets without a status between two that have some: more than so many are a gap. */
const GAP_BUCKETS = 3;

/** An element with the chart; `update(buckets, {whole})` gives it buckets of /statuses. It lives until `signal` aborts. */
export async function chart(signal) {
  const [{ default: UPlot }] = await Promise.all([import("../vendor/uplot.js"), style("vendor/uplot.css")]);
  const element = h("div", { class: "vehicle-graph", role: "img", "aria-label": t("vehicle.chart") });
  let plot = null;
  const fit = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: HEIGHT }));
  signal.addEventListener("abort", () => (fit.disconnect(), plot?.destroy()), { once: true });
  /** `whole`: show all of them; without it a zoom of the reader's stays. */
  element.update = (buckets, { whole }) => {
    const columns = withGaps(buckets);
    if (plot === null) {
      plot = new UPlot(looks(element), columns, element);
      fit.observe(element);
    } else {
      plot.setData(columns, whole || !isZoomed(plot));
    }
    element.dataset.statuses = buckets.reduce((sum, one) => sum + one.statuses, 0);
  };
  return element;
}

function looks(element) {
  const values = getComputedStyle(element);
  const colour = (name) => values.getPropertyValue(name).trim();
  const hour = new Intl.DateTimeFormat(currentLanguage(), { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(currentLanguage(), { day: "numeric", month: "short" });
  /** Hours, or days where the marks are a day or more apart. */
  const marks = (_, times, __, ___, step) => times.map((time) => (step < DAY_S ? hour : day).format(time * 1000));
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    series: [
      {
        label: t("time.measured"),
        value: (_, time) => (time === null ? "–" : new Date(time * 1000).toLocaleString(currentLanguage())),
      },
      { label: t("vehicle.charge"), stroke: colour("--accent"), width: 2, scale: "charge" },
      { label: t("vehicle.range"), stroke: colour("--muted"), width: 1.5, dash: [6, 4], scale: "range" },
    ],
    scales: { charge: { range: [0, 100] }, range: { range: (_, low, high) => [0, Math.max(high || 0, 10) * 1.1] } },
    axes: [{ ...axis, values: marks }, { ...axis, scale: "charge" }, { ...axis, scale: "range", side: 1, grid: { show: false } }],
    hooks: { setScale: [(plot, name) => name === "x" && (element.dataset.from = plot.scales.x.min)] },
  };
}

function isZoomed(plot) {
  const times = plot.data[0];
  return plot.scales.x.min > times[0] || plot.scales.x.max < times.at(-1);
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
