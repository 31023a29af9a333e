// One vehicle: what it says now, the chart of a span, and below it one of its subjects: statuses, sessions, trips, events.

import { follow, get } from "../api.js";
import { t } from "../texts.js";
import { h, style, tabs } from "../ui.js";
import { history } from "./vehicle/history.js";
import { now } from "./vehicle/now.js";

const OPEN_SINCE_MS = 7 * 86400000;

export async function render(root, params, signal) {
  await style("pages/vehicle.css");
  const { vehicle } = params;
  const path = `/vehicles/${encodeURIComponent(vehicle)}`;
  const head = now();
  const past = history(path, { pointed: () => {}, signal });
  const about = { open: past.open, signal };
  const parts = [
    { name: "statuses", title: t("vehicle.statuses"), load: () => shown("statuses", (it) => it.statuses(vehicle, path, about)) },
    { name: "sessions", title: t("vehicle.sessions"), load: () => shown("sessions", (it) => it.activities(vehicle, path, "sessions", about)) },
    { name: "trips", title: t("vehicle.trips"), load: () => shown("sessions", (it) => it.activities(vehicle, path, "trips", about)) },
    { name: "events", title: t("vehicle.events"), load: () => shown("events", (it) => it.eventList(path, about)) },
  ];
  const update = async () => {
    const given = await get(path, {}, signal);
    head.update(given, given.state === "charging" ? await openSession(path, signal) : null);
  };
  await update();
  const subjects = tabs(t("vehicle.subjects"), parts, params.query.get("part"), (name) => remembered(vehicle, name));
  root.replaceChildren(h("a", { class: "vehicle-back", href: "#/fleet" }, t("vehicle.back")), head, past, subjects);
  await past.refresh();
  const refresh = () => Promise.all([update(), past.refresh(), subjects.refresh()]);
  // The stream begins with the last status, so none is missed between the two.
  follow("/stream", { vehicle }, { onEvent: refresh, signal });
}

const MODULES = {
  statuses: () => import("./vehicle/statuses.js"),
  sessions: () => import("./vehicle/sessions.js"),
  events: () => import("./vehicle/events.js"),
};

async function shown(name, made) {
  return made(await MODULES[name]());
}

/** The part stands in the address, so that it can be kept as a bookmark; this does not load the page again. */
function remembered(vehicle, part) {
  window.history.replaceState(null, "", `#/vehicles/${encodeURIComponent(vehicle)}?part=${part}`);
}

async function openSession(path, signal) {
  const found = await get(`${path}/sessions`, { from: Date.now() - OPEN_SINCE_MS, limit: 1000 }, signal);
  return found.findLast((one) => one.state === "open") ?? null;
}
