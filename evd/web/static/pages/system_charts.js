// Small charts of what evd measured of itself, by uPlot; one cursor goes through all of them.

import { currentLanguage, number, t } from "../texts.js";
import { h, notice, replaceText, style } from "../ui.js";
import { colour, whenThemed } from "../ui/theme.js";

const HEIGHT = 118;
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Bytes as a person reads them: "12.5 MiB". */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${number(value, value < 10 && unit ? 1 : 0)} ${UNITS[unit]}`;
}

const perSecond = (value) => (value === null ? "–" : `${number(value, value < 10 ? 1 : 0)}${t("system.unit.per_s")}`);
const milliseconds = (value) => (value === null ? "–" : `${number(value, value < 10 ? 1 : 0)} ms`);
const count = (value) => (value === null ? "–" : number(value));

/** The steps of an axis that its numbers are round in: powers of two for bytes, whole ones for counts. */
const STEPS = new Map([
  [bytes, Array.from({ length: 50 }, (_, power) => 2 ** power)],
  [count, [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000]],
]);

/** A row is a chart: its title, the measures of its lines with their names, and how a value is written. */
const CHARTS = [
  { title: t("system.chart.callbacks"), lines: [["callbacks_per_s", t("system.line.all")], ["refused_per_s", t("system.line.refused"), "bad"]], shown: perSecond },
  { title: t("system.chart.commits"), lines: [["commit_ms", t("system.line.mean")], ["commit_worst_ms", t("system.line.worst"), "faint"]], shown: milliseconds },
  { title: t("system.chart.pushes"), lines: [["push_ms", t("system.line.mean")], ["push_worst_ms", t("system.line.worst"), "faint"]], shown: milliseconds },
  { title: t("system.chart.queue"), lines: [["queue", ""]], shown: count },
  { title: t("system.chart.memory"), lines: [["memory_bytes", ""]], shown: bytes },
  { title: t("system.chart.wal"), lines: [["wal_bytes", ""]], shown: bytes },
  { title: t("system.chart.disk"), lines: [["disk_free_bytes", ""]], shown: bytes },
  { title: t("system.chart.lag"), lines: [["lag_ms", ""]], shown: milliseconds },
];

/** All charts in one element; `update(history, span_s)` draws them. They live until `signal` aborts. */
export async function charts(signal) {
  const [{ default: UPlot }] = await Promise.all([import("../vendor/uplot.js"), style("vendor/uplot.css")]);
  signal.throwIfAborted();
  const made = CHARTS.map((row) => small(row, UPlot, signal));
  whenThemed(() => made.forEach((one) => one.redraw()), signal);
  const grid = h("div", { class: "measures" }, made);
  const waiting = notice(t("system.history.none"), { icon: "clock" });
  const element = h("div", {}, waiting, grid);
  element.update = (history, span_s) => {
    const some = history.times.length > 0;
    waiting.hidden = some;
    grid.hidden = !some;
    if (some) for (const one of made) one.update(history, span_s);
    element.dataset.rows = history.times.length;
  };
  return element;
}

function small({ title, lines, shown }, UPlot, signal) {
  const value = h("b", { class: "measure-value number" }, "–");
  const at = h("small", { class: "number" });
  const canvas = h("div", { class: "measure-plot" });
  const key = lines.length > 1 && h("small", { class: "measure-key" }, lines.map(([, name, look]) => h("span", { class: `measure-line is-${look || "main"}` }, name)));
  const element = h("figure", { class: "measure card", role: "img" }, h("figcaption", {}, h("span", { class: "tile-title" }, title), key), h("div", { class: "measure-now" }, value, at), canvas);
  let plot = null;
  const fit = new ResizeObserver(() => plot?.setSize({ width: canvas.clientWidth, height: HEIGHT }));
  signal.addEventListener("abort", () => (fit.disconnect(), plot?.destroy()), { once: true });

  /** The values below the cursor; without one the newest. */
  const say = () => {
    const index = plot.cursor.idx;
    const under = index !== null && index !== undefined;
    const place = under ? index : plot.data[0].length - 1;
    const values = lines.map((_, line) => plot.data[line + 1][place] ?? null);
    const text = values.length > 1 ? values.map(shown).join(" · ") : shown(values[0]);
    replaceText(value, text);
    replaceText(at, under ? clock.format(plot.data[0][place] * 1000) : "");
    if (!under) element.setAttribute("aria-label", t("system.chart.described", { title, value: text }));
  };

  element.update = (history, span_s) => {
    const columns = [history.times.map((time) => time / 1000), ...lines.map(([name]) => history.measures[name])];
    const end = columns[0].at(-1);
    if (plot === null) {
      plot = new UPlot(looks(canvas, lines, shown, say), columns, canvas);
      fit.observe(canvas);
    } else plot.setData(columns, false);
    plot.setScale("x", { min: Math.max(end - span_s, Math.min(columns[0][0], end - 60)), max: end });
    say();
  };
  element.redraw = () => plot?.redraw(false, true);
  return element;
}

const COLOURS = { main: "--accent", bad: "--bad", faint: "--line-strong" };
const HOURS = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const clock = new Intl.DateTimeFormat(currentLanguage(), { ...HOURS, second: "2-digit" });
const marks = new Intl.DateTimeFormat(currentLanguage(), HOURS);

function looks(canvas, lines, shown, say) {
  const axis = { stroke: () => colour("--muted"), font: `11px ${getComputedStyle(canvas).fontFamily}`, ticks: { show: false } };
  return {
    width: canvas.clientWidth,
    height: HEIGHT,
    padding: [8, 10, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: "system" }, drag: { x: false, y: false }, points: { size: 6 } },
    series: [
      {},
      ...lines.map(([, name, look = "main"]) => ({
        label: name,
        stroke: () => colour(COLOURS[look]),
        width: look === "main" ? 2 : 1.2,
        fill: look === "main" ? () => `${colour(COLOURS.main)}1f` : null,
        points: { show: false },
        spanGaps: true,
      })),
    ],
    scales: { y: { range: (_, __, high) => [0, high > 0 ? high * 1.15 : 1] } },
    axes: [
      { ...axis, size: 22, space: 60, grid: { show: false }, values: (_, times) => times.map((time) => marks.format(time * 1000)) },
      { ...axis, size: 58, space: 34, incrs: STEPS.get(shown), grid: { stroke: () => colour("--line"), width: 1 }, values: (_, ticks) => ticks.map((tick) => shown(tick)) },
    ],
    hooks: { setCursor: [say] },
  };
}
