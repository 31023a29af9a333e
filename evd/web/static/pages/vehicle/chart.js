// Charge and one more measure over a span, by uPlot: charge sessions and trips as bands, events as marks at their samples.
// A gap in the data is a gap in the line, hatched. Dragging zooms, as two fingers do; a double click undoes it.

import { currentLanguage, t } from "../../texts.js";
import { h, style } from "../../ui.js";
import { colour, whenThemed } from "../../ui/theme.js";
import { bandsBehind, marksBefore } from "./chart_layers.js";
import { columnsOf } from "./chart_columns.js";
import { pinched } from "./pinch.js";

const HEIGHT = 280;
const DAY_S = 86400;

/**
 * An element with the chart, which lives until `signal` aborts. `update({from, until, rows, second, bands, marks})` shows
 * buckets of /statuses from `from` to `until` (epoch ms); `second`: {field, title, unit} of the second line.
 * `zoomed(from, until)` is called for a span that the reader drags, `whole()` for a double click, `pointed(ms)` for the
 * time under the cursor, or null. `.point(ms)` puts the cursor there.
 */
export async function chart({ zoomed, whole, pointed, signal }) {
  const [{ default: UPlot }] = await Promise.all([import("../../vendor/uplot.js"), style("vendor/uplot.css")]);
  signal.throwIfAborted();
  const element = h("div", { class: "vehicle-graph", role: "img", "aria-label": t("vehicle.chart") });
  const shown = { from: 0, until: 1, bands: [], marks: [], gaps: [], second: null };
  let plot = null;

  const fit = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: HEIGHT }));
  whenThemed(() => plot?.redraw(false, true), signal);
  signal.addEventListener("abort", () => (fit.disconnect(), plot?.destroy()), { once: true });

  const hooks = {
    drawClear: [(drawn) => bandsBehind(drawn, shown, colour)],
    draw: [(drawn) => marksBefore(drawn, shown, colour)],
    setSelect: [
      (drawn) => {
        if (drawn.select.width < 4) return;
        const [from, until] = [drawn.select.left, drawn.select.left + drawn.select.width].map((at) => drawn.posToVal(at, "x"));
        drawn.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        zoomed(from * 1000, until * 1000);
      },
    ],
    setCursor: [(drawn) => pointed(drawn.cursor.idx === null ? null : drawn.data[0][drawn.cursor.idx] * 1000, drawn.cursor)],
  };

  /** What the fingers show until the data of the span are there. */
  function spread({ from, until }) {
    Object.assign(shown, { from, until });
    plot.setScale("x", { min: from / 1000, max: until / 1000 });
  }

  element.update = (given) => {
    const { columns, gaps } = columnsOf(given.rows, given.second.field);
    const other = shown.second?.field !== given.second.field;
    Object.assign(shown, given, { gaps });
    if (plot !== null && other) plot = (plot.destroy(), null);
    if (plot === null) {
      plot = new UPlot(looks(element, shown, hooks, whole), columns, element);
      fit.observe(element);
      pinched(plot.over, { spanOf: () => shown, moved: spread, ended: ({ from, until }) => zoomed(from, until), signal });
    } else {
      plot.batch(() => {
        plot.setData(columns, false);
        plot.setScale("x", { min: given.from / 1000, max: given.until / 1000 });
        plot.redraw(true, true);
      });
    }
    element.dataset.statuses = given.rows.reduce((sum, one) => sum + one.statuses, 0);
    element.dataset.from = given.from;
    element.dataset.bands = given.bands.length;
    element.dataset.marks = given.marks.length;
    element.dataset.gaps = gaps.length;
  };
  element.point = (ms) => {
    if (plot === null) return;
    const left = ms === null ? -10 : plot.valToPos(ms / 1000, "x");
    plot.setCursor({ left, top: ms === null ? -10 : 20 }, false);
  };
  return element;
}

function looks(element, shown, hooks, whole) {
  const language = currentLanguage();
  const hour = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
  const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  /** Hours, or days where the marks are a day or more apart, and at midnight. */
  const times = (_, marks, __, ___, step) =>
    marks.map((mark) => {
      const date = new Date(mark * 1000);
      return (step < DAY_S && (date.getHours() || date.getMinutes()) ? hour : day).format(date);
    });
  const figure = (unit) => (_, given) => (given === null || given === undefined ? "–" : `${given.toFixed(1).replace(/\.0$/, "")} ${unit}`);
  const axis = {
    stroke: () => colour("--muted"),
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [8, 4, 0, 4],
    series: [
      { label: t("time.measured"), value: (_, time) => (time === null ? "–" : exact.format(time * 1000)) },
      {
        label: t("vehicle.charge"),
        stroke: () => colour("--accent"),
        width: 2,
        scale: "charge",
        value: figure("%"),
        points: { size: 4 },
      },
      {
        label: shown.second.title,
        stroke: () => colour("--muted"),
        width: 1.5,
        dash: [6, 4],
        scale: "second",
        value: figure(shown.second.unit),
        points: { show: false },
      },
    ],
    scales: {
      x: { range: () => [shown.from / 1000, shown.until / 1000] },
      charge: { range: [0, 100] },
      second: { range: (_, low, high) => room(low, high) },
    },
    axes: [
      { ...axis, values: times, space: 64, size: 30 },
      { ...axis, scale: "charge", size: 44, values: (_, marks) => marks.map((mark) => `${mark} %`) },
      { ...axis, scale: "second", side: 1, size: 52, grid: { show: false } },
    ],
    cursor: { drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => () => (whole(), null) }, points: { size: 8 } },
    hooks,
  };
}

/** The second line's scale: from 0, or from its least value where this is below; never empty. */
function room(low, high) {
  const least = Math.min(0, low ?? 0);
  const most = Math.max(high ?? 0, least + 10);
  return [least * 1.1, most * 1.1];
}
