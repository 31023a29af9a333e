// A small line in SVG: a few hundred points with two labelled axes. For what zooms and scrolls there is uPlot.

import { h, svg } from "./h.js";

const [LEAST, MOST, HEIGHT] = [280, 860, 220];
const FRAME = 96; // pixels of a phone's screen beside the line
const EDGE = { left: 60, right: 36, top: 12, bottom: 28 };
const TICKS = 4;

/**
 * `points`: [[x, y], …], at least one. `x` and `y`: {format(value), least?, most?, ticks?}; without bounds those of the
 * data. `label` says for screen readers what the line shows.
 */
export function lineChart(points, { x, y, label }) {
  // As wide as the screen gives, so that its texts are as large as others.
  const WIDTH = Math.max(LEAST, Math.min(MOST, window.innerWidth - FRAME));
  const [across, up] = [scale(points.map((one) => one[0]), x), scale(points.map((one) => one[1]), y)];
  const left = (value) => EDGE.left + across.share(value) * (WIDTH - EDGE.left - EDGE.right);
  const top = (value) => HEIGHT - EDGE.bottom - up.share(value) * (HEIGHT - EDGE.top - EDGE.bottom);
  const way = points.map(([a, b], at) => `${at ? "L" : "M"}${left(a).toFixed(1)} ${top(b).toFixed(1)}`).join("");
  const dots = points.map(([a, b]) =>
    svg("circle", { class: "line-dot", cx: left(a), cy: top(b), r: points.length > 60 ? 1.5 : 3.5 }, svg("title", {}, `${x.format(a)}: ${y.format(b)}`)),
  );
  const rows = up.ticks.map((value) => [
    svg("line", { class: "line-grid", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: top(value), y2: top(value) }),
    svg("text", { class: "line-text", x: EDGE.left - 8, y: top(value) + 4, "text-anchor": "end" }, y.format(value)),
  ]);
  const columns = across.ticks.map((value) => svg("text", { class: "line-text", x: left(value), y: HEIGHT - 8, "text-anchor": "middle" }, x.format(value)));
  return h(
    "div",
    { class: "line-frame" },
    svg("svg", { class: "line", style: { "max-width": `${WIDTH}px` }, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label }, rows, columns, svg("path", { class: "line-way", d: way }), dots),
  );
}

function scale(values, { least = Math.min(...values), most = Math.max(...values), ticks }) {
  const high = most > least ? most : least + 1;
  const even = Array.from({ length: TICKS + 1 }, (_, at) => least + ((high - least) * at) / TICKS);
  return { share: (value) => (most > least ? (value - least) / (most - least) : 0.5), ticks: ticks ?? even };
}
