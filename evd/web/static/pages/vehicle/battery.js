// The battery's health: the range of a full battery, month by month, from the roll-ups by day.

import { page } from "../../api.js";
import { currentLanguage, number, quantity, t } from "../../texts.js";
import { empty, h, latest } from "../../ui.js";
import { lineChart } from "../../ui/line.js";

const PAGES_MAX = 6; // of a thousand days each

export async function battery(path, { signal }) {
  const name = new Intl.DateTimeFormat(currentLanguage(), { month: "short", year: "numeric", timeZone: "UTC" });
  const element = h("div", { class: "vehicle-list" });
  element.refresh = latest(() => everyDay(path, signal), (days) => {
    const months = monthsOf(days);
    element.replaceChildren(months.length ? shown(months, name) : empty({ icon: "bolt", title: t("battery.none"), text: t("battery.none.next") }));
  });
  await element.refresh();
  return element;
}

function shown(months, name) {
  const [first, last] = [months[0], months.at(-1)];
  const change = (last.km / first.km - 1) * 100;
  const share = `${change > 0 ? "+" : ""}${number(change, 1)} %`;
  const most = Math.ceil(Math.max(...months.map((one) => one.km)) / 40) * 40;
  const x = { format: (ms) => name.format(ms), ticks: ticksOf(months) };
  const y = { format: (km) => quantity(km, "km"), least: 0, most };
  return h(
    "figure",
    { class: "card curve" },
    h(
      "figcaption",
      {},
      h("h3", {}, t("battery.full")),
      h("p", { class: "battery-now number" }, t("battery.now", { month: name.format(last.ms), range: quantity(last.km, "km") })),
      months.length > 1 && h("p", { class: "number" }, t("battery.change", { share, month: name.format(first.ms) })),
    ),
    lineChart(months.map((one) => [one.ms, one.km]), { x, y, label: t("battery.label") }),
    h("p", { class: "muted" }, t("battery.why")),
  );
}

/** At most five months, the first and the last among them. */
function ticksOf(months) {
  const steps = Math.min(4, months.length - 1);
  return steps ? Array.from({ length: steps + 1 }, (_, at) => months[Math.round((at * (months.length - 1)) / steps)].ms) : [months[0].ms];
}

/** [{ms, km}] by month (UTC), the oldest first: means weighted by the statuses of each day. */
export function monthsOf(days) {
  const by = new Map();
  for (const { start_ms: start, measures } of days) {
    const full = measures.full_range;
    if (!full?.count) continue;
    const date = new Date(start);
    const ms = Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
    const [sum, count] = by.get(ms) ?? [0, 0];
    by.set(ms, [sum + full.mean * full.count, count + full.count]);
  }
  return [...by].map(([ms, [sum, count]]) => ({ ms, km: sum / count })).sort((a, b) => a.ms - b.ms);
}

async function everyDay(path, signal) {
  const days = [];
  let found = await page(`${path}/rollups`, { unit: "day", limit: 1000 }, signal);
  days.push(...found.rows);
  for (let pages = 1; found.next && pages < PAGES_MAX; pages += 1) {
    found = await page(found.next, {}, signal);
    days.push(...found.rows);
  }
  return days;
}
