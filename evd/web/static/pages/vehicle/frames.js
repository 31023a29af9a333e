// Frames received and lost by day, against what the contract with Sigfox allows a day.

import { page } from "../../api.js";
import { number, t } from "../../texts.js";
import { empty, h, latest, svg, table } from "../../ui.js";

const DAYS = 30;
const PAGES_MAX = 5;
const [BAR, STEP, HEIGHT] = [14, 20, 120];

export async function frames(path, { signal }) {
  const element = h("div", { class: "vehicle-list" });
  element.refresh = latest(() => everyDay(path, signal), (found) => {
    const days = found.slice(-DAYS);
    element.replaceChildren(
      ...(days.length
        ? [h("div", { class: "card frames-card" }, picture(days), legend(days.at(-1).of)), listed([...days].reverse())]
        : [empty({ icon: "signal", title: t("frames.none"), text: t("frames.none.next") })]),
    );
  });
  await element.refresh();
  return element;
}

async function everyDay(path, signal) {
  const days = [];
  let found = await page(`${path}/days`, { limit: 1000 }, signal);
  days.push(...found.rows);
  for (let pages = 1; found.next && pages < PAGES_MAX; pages += 1) {
    found = await page(found.next, {}, signal);
    days.push(...found.rows);
  }
  return days;
}

function picture(days) {
  const most = Math.max(...days.map((day) => Math.max(day.used, day.received + day.lost, day.of)));
  const tall = (count) => (count / most) * (HEIGHT - 10);
  const width = days.length * STEP;
  const bars = days.map((day, at) => {
    const [got, lost] = [tall(day.received), tall(day.lost)];
    const x = at * STEP + (STEP - BAR) / 2;
    return svg(
      "g",
      {},
      svg("title", {}, `${day.day}: ${t("frames.received")} ${day.received}, ${t("frames.lost")} ${day.lost}`),
      svg("rect", { class: "frames-received", x, y: HEIGHT - got, width: BAR, height: got, rx: 2 }),
      svg("rect", { class: "frames-lost", x, y: HEIGHT - got - lost, width: BAR, height: lost, rx: 2 }),
    );
  });
  const line = HEIGHT - tall(days.at(-1).of);
  return svg(
    "svg",
    { class: "frames-picture", viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": t("frames.picture"), style: { "--days": days.length } },
    bars,
    svg("line", { class: "frames-limit", x1: 0, x2: width, y1: line, y2: line }),
  );
}

function legend(allowed) {
  const row = (kind, text) => h("li", {}, h("span", { class: `vehicle-swatch is-${kind}` }), text);
  return h(
    "ul",
    { class: "vehicle-legend" },
    row("received", t("frames.received")),
    row("lost", t("frames.lost")),
    row("limit", t("frames.allowed", { count: number(allowed) })),
  );
}

function listed(days) {
  const columns = [
    { title: t("frames.day"), cell: (day) => day.day },
    { title: t("frames.received"), class: "number", cell: (day) => number(day.received) },
    { title: t("frames.lost"), class: "number", cell: (day) => number(day.lost) },
    { title: t("frames.share"), class: "number", cell: (day) => (day.share === null ? "–" : `${number(day.share, 1)} %`) },
    { title: t("frames.used"), class: "number", cell: (day) => `${number(day.used)} / ${number(day.of)}` },
    { title: t("frames.resets"), class: "number", cell: (day) => number(day.resets) },
  ];
  return table(columns, days, { caption: t("vehicle.frames"), compact: true });
}
