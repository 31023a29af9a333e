// One vehicle of the fleet, as a card and as a row. Both change in place.

import { number, quantity, t } from "../texts.js";
import { badge, channel, gauge, h, icon, meter, replaceText, stateBadge, when } from "../ui.js";

/** The parts that cards and rows have in common, and how they follow their vehicle. */
function parts() {
  const name = h("span", { class: "vehicle-name" });
  const id = h("span", { class: "vehicle-id mono" });
  const state = h("span", { class: "vehicle-state" });
  const battery = gauge();
  const charge = h("span", { class: "vehicle-charge number" });
  const range = h("span", { class: "vehicle-range number" });
  const age = when(null, null, { focusable: false });
  const way = h("span", { class: "vehicle-channel" });
  const lost = h("span", { class: "vehicle-lost number" });
  const ring = meter();
  let seen = "";

  function update(row) {
    replaceText(name, row.name || row.vehicle);
    replaceText(id, [row.name && row.vehicle, row.regNumber].filter(Boolean).join(" · "));
    const badges = `${row.staleness} ${row.state} ${row.last?.flags}`;
    if (badges !== seen) {
      seen = badges;
      state.replaceChildren(...badgesOf(row));
    }
    battery.update(row.current_charge, row.target_charge, row.state);
    replaceText(charge, typeof row.current_charge === "number" ? number(row.current_charge) : "–");
    replaceText(range, quantity(row.range, "km"));
    age.update(row.last_time_ms, row.last?.received_ms);
    if (way.dataset.channel !== String(row.channel)) {
      way.dataset.channel = row.channel;
      way.replaceChildren(row.channel ? channel(row.channel) : "");
    }
    const frames = row.today?.lost || 0;
    replaceText(lost, frames ? t("fleet.lost", { n: number(frames) }) : t("fleet.lost.none"));
    lost.classList.toggle("is-some", frames > 0);
    ring.update(row.keep ? row.kept / row.keep : 0, t("fleet.ring", { kept: number(row.kept), keep: number(row.keep ?? 0) }));
  }

  return { name, id, state, battery, charge, range, age, way, lost, ring, update };
}

function badgesOf(row) {
  if (row.staleness === "never") return [badge(t("fleet.never"), { tone: "quiet", icon: "question" })];
  const silent = row.staleness === "silent" && badge(t("fleet.silent"), { tone: "warn", icon: "silent" });
  const flagged = row.last?.flags && badge(t("fleet.flagged"), { tone: "warn", icon: "alert" });
  return [silent, flagged, stateBadge(row.state)].filter(Boolean);
}

function linked(row, part, kind, ...children) {
  const link = h("a", { class: `vehicle vehicle-${kind}`, href: `#/vehicles/${encodeURIComponent(row.vehicle)}` }, children);
  const element = h("li", { class: "windowed-item" }, link);
  element.update = (next) => {
    part.update(next);
    link.classList.toggle("is-silent", next.staleness !== "fresh");
  };
  return element;
}

export function vehicleCard(row) {
  const part = parts();
  return linked(
    row,
    part,
    "card",
    h("div", { class: "vehicle-head" }, h("div", { class: "vehicle-names" }, part.name, part.id), part.state),
    h(
      "div",
      { class: "vehicle-figures" },
      h("span", { class: "vehicle-big" }, part.charge, h("small", {}, "%")),
      h("span", { class: "vehicle-side" }, h("small", {}, t("fleet.range")), part.range),
    ),
    part.battery,
    h("div", { class: "vehicle-foot" }, part.age, part.way, part.lost, h("span", { class: "vehicle-ring" }, icon("database"), part.ring)),
  );
}

export function vehicleLine(row) {
  const part = parts();
  return linked(
    row,
    part,
    "line",
    h("div", { class: "vehicle-names" }, part.name, part.id),
    part.state,
    h("span", { class: "vehicle-percent" }, part.charge, h("small", {}, " %")),
    part.battery,
    part.range,
    part.age,
    part.way,
    part.lost,
    part.ring,
  );
}
