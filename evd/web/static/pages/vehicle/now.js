// What a vehicle says now: its name, state and charge, and the figures that matter in this state.

import { quantity, t } from "../../texts.js";
import { duration, gauge, h, replaceText, stateBadge, when } from "../../ui.js";

/** `update(vehicle, session)` changes it in place; `session`: the open charge session, or null. */
export function now() {
  const name = h("h1", {});
  const id = h("span", { class: "mono muted" });
  const state = h("span", {});
  const battery = gauge();
  const charge = h("b", { class: "vehicle-charge number" });
  const figures = h("dl", { class: "vehicle-figures" });
  const age = when(null, null);
  const element = h(
    "header",
    { class: "vehicle-now card" },
    h("div", { class: "vehicle-now-names" }, name, id, state, h("span", { class: "vehicle-age muted" }, age)),
    h("div", { class: "vehicle-now-charge" }, charge, battery),
    figures,
  );
  let word = null;
  element.update = (vehicle, session) => {
    replaceText(name, vehicle.name || vehicle.vehicle);
    replaceText(id, [vehicle.name && vehicle.vehicle, vehicle.regNumber].filter(Boolean).join(" · "));
    if (word !== vehicle.state) state.replaceChildren(stateBadge((word = vehicle.state)));
    battery.update(vehicle.current_charge, vehicle.target_charge, vehicle.state);
    replaceText(charge, quantity(vehicle.current_charge, "%"));
    age.update(vehicle.last_time_ms, vehicle.last?.received_ms);
    figures.replaceChildren(
      ...figuresOf(vehicle, session)
        .filter(([, value]) => value !== null)
        .map(([title, value]) => h("div", {}, h("dt", {}, title), h("dd", { class: "number" }, value))),
    );
  };
  return element;
}

function figuresOf(vehicle, session) {
  const last = vehicle.last ?? {};
  const charging = vehicle.state === "charging";
  return [
    [t("vehicle.now.range"), quantity(vehicle.range, "km")],
    [t("vehicle.now.target"), known(vehicle.target_charge, "%")],
    [t("vehicle.now.power"), charging ? power(vehicle, last) : null],
    [t("vehicle.now.added"), charging && session ? known(session.energy_kwh, "kWh", 1) : null],
    [t("vehicle.now.left"), charging && last.remain_time ? duration(last.remain_time * 60) : null],
    [t("vehicle.indoor.short"), known(last.indoor_temperature, "°C", 1)],
    [t("vehicle.consumption"), known(last.elec_consumption, "kWh/100 km", 1)],
  ];
}

function known(value, unit, digits) {
  return typeof value === "number" ? quantity(value, unit, digits) : null;
}

/** By the current and what the owner said of the charger; without that, the current. */
function power(vehicle, last) {
  const { maxVoltage, phases } = vehicle.profile ?? {};
  if (typeof last.current !== "number") return null;
  if (!maxVoltage) return quantity(last.current, "A", 1);
  return quantity((last.current * maxVoltage * (phases ?? 1)) / 1000, "kW", 1);
}
