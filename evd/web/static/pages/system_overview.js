// What stands wrong and how evd does: alarms with what to do, charts of the last hours, versions.

import { get } from "../api.js";
import { number, t, tn } from "../texts.js";
import { badge, facts, h, icon, latest, notice, panel, relative, segments, when } from "../ui.js";
import { bytes, charts } from "./system_charts.js";

const AGAIN_MS = 10000;
const HOUR_S = 3600;

export async function show(place, signal, head) {
  const [about, stats] = await Promise.all([get("/system", {}, signal), get("/stats", {}, signal)]);
  head.said(t("system.running", { version: about.versions.evd }));
  const alarms = h("div", { role: "status" });
  const drawn = await charts(signal);
  let span_s = HOUR_S;
  const draw = latest((span) => get("/system/history", { span_s: span }, signal), (found, span) => drawn.update(found, span));
  const refresh = () => draw(span_s);
  const spans = [...new Set([1, 6, 24, about.history_hours].filter((hours) => hours <= about.history_hours))];
  const options = spans.map((hours) => [String(hours), tn("system.span.hours", hours)]);
  const choose = (hours) => {
    span_s = Math.round(Number(hours) * HOUR_S);
    return refresh();
  };
  place.replaceChildren(
    alarms,
    h(
      "div",
      { class: "system-head" },
      h("h2", {}, t("system.history")),
      options.length > 1 && segments(t("system.span"), options, "1", choose),
    ),
    drawn,
    panel(t("system.versions"), versions(about, stats)),
  );
  alarms.replaceChildren(alarmsOf(stats));
  await refresh();
  const again = setInterval(async () => {
    if (document.hidden) return;
    try {
      alarms.replaceChildren(alarmsOf(await get("/stats", {}, signal)));
      await refresh();
    } catch {
      // The next one may succeed.
    }
  }, AGAIN_MS);
  signal.addEventListener("abort", () => clearInterval(again));
}

function alarmsOf(stats) {
  const notReady = stats.ready ? null : notice(t("system.not_ready", { reason: stats.reason }), { tone: "bad" });
  if (!stats.alarms.length) {
    const calm = h("div", { class: "system-calm" }, icon("check"), h("span", {}, t("system.alarms.none")));
    return h("div", { class: "system-alarms" }, notReady, notReady ? null : calm);
  }
  return h(
    "ul",
    { class: "system-alarms", "aria-label": t("system.alarms") },
    notReady && h("li", {}, notReady),
    stats.alarms.map((alarm) =>
      h(
        "li",
        { class: `system-alarm card is-${alarm.severity}` },
        alarm.severity === "critical"
          ? badge(t("system.alarm.critical"), { tone: "bad", icon: "alert" })
          : badge(t("system.alarm.warning"), { tone: "warn", icon: "alert" }),
        h("p", {}, alarm.sentence),
        h("small", {}, t("system.alarms.since"), " ", when(alarm.since, null, { label: t("system.alarms.since") })),
      ),
    ),
  );
}

function versions(about, stats) {
  const ends = stats.certificate_ends_s;
  return facts([
    [t("system.version.evd"), about.versions.evd],
    [t("system.version.codec"), about.versions.codec],
    [t("system.version.python"), about.versions.python],
    [t("system.version.database"), about.versions.database],
    [t("system.version.system"), about.versions.system],
    [t("system.stored.size"), stats.disk.database === undefined ? null : bytes(stats.disk.database)],
    [t("system.stored.vehicles"), number(stats.stored.vehicles)],
    [t("system.stored.statuses"), number(stats.stored.statuses)],
    [t("system.stored.connections"), number(stats.connections.open)],
    [t("system.certificate"), ends ? relative(ends * 1000) : null],
    [t("system.insecure"), stats.insecure.length ? stats.insecure.join("; ") : null],
  ]);
}
