// A session's charging curve: power over charge. By the charger's voltage; without it the current.

import { get } from "../../api.js";
import { quantity, t } from "../../texts.js";
import { h, notice } from "../../ui.js";
import { lineChart } from "../../ui/line.js";

const STATUSES = 1000;

/** The curve of the session from `from` to `until` (epoch ms). `profile` may have maxVoltage and phases. */
export async function curve(path, { from, until }, profile, signal) {
  const query = { from, until, fields: "current,current_charge", limit: STATUSES };
  const points = curveOf(await get(`${path}/statuses`, query, signal), profile);
  const unit = profile?.maxVoltage ? "kW" : "A";
  if (points.length < 2) return h("div", { class: "card curve" }, notice(t("curve.none")));
  const most = Math.max(...points.map((one) => one[1]));
  const [x, y] = [
    { format: (value) => quantity(value, "%"), least: 0, most: 100 },
    { format: (value) => quantity(value, unit, 1), least: 0, most: rounded(most) },
  ];
  const label = t("curve.label", { points: points.length, most: y.format(most) });
  return h(
    "figure",
    { class: "card curve" },
    h("figcaption", {}, h("h3", {}, t("curve.title")), unit === "A" && h("small", { class: "muted" }, t("curve.amperes"))),
    lineChart(points, { x, y, label }),
  );
}

/** [[charge in %, kW or A], …] in the order of charge, the mean of those with the same charge. */
export function curveOf(rows, profile) {
  const factor = profile?.maxVoltage ? (profile.maxVoltage * (profile.phases ?? 1)) / 1000 : 1;
  const by = new Map();
  for (const { current, current_charge: charge } of rows) {
    if (typeof current !== "number" || typeof charge !== "number" || current <= 0) continue;
    const [sum, count] = by.get(charge) ?? [0, 0];
    by.set(charge, [sum + current * factor, count + 1]);
  }
  return [...by].map(([charge, [sum, count]]) => [charge, sum / count]).sort((a, b) => a[0] - b[0]);
}

/** The next round figure above, that four steps divide well. */
function rounded(most) {
  const step = 10 ** Math.floor(Math.log10(Math.max(most, 0.1)));
  return [1, 2, 4, 6, 8, 10].map((times) => times * step).find((one) => one >= most) ?? most;
}
