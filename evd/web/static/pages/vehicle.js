// One vehicle: what it says now, the chart of a span, and below it one of its subjects.

import "../texts/vehicle.js";
import "../texts/vehicle_parts.js";
import "../texts/vehicle_past.js";
import { follow, get, who } from "../api.js";
import { t } from "../texts.js";
import { gathered, h, setQuery, style, tabs } from "../ui.js";
import { history } from "./vehicle/history.js";
import { trackMap } from "./vehicle/map.js";
import { now } from "./vehicle/now.js";
import { replay } from "./vehicle/replay.js";

/** The tabs: each loads its module when it is first shown. `may`: for whom, without it for everybody who sees the vehicle. */
const PARTS = [
  {
    name: "statuses",
    title: t("vehicle.statuses"),
    load: async ({ vehicle, path, about }) => (await import("./vehicle/statuses.js")).statuses(vehicle, path, about),
  },
  {
    name: "sessions",
    title: t("vehicle.sessions"),
    load: async ({ vehicle, path, about }) => (await import("./vehicle/sessions.js")).activities(vehicle, path, "sessions", about),
  },
  {
    name: "trips",
    title: t("vehicle.trips"),
    load: async ({ vehicle, path, about }) => (await import("./vehicle/sessions.js")).activities(vehicle, path, "trips", about),
  },
  {
    name: "events",
    title: t("vehicle.events"),
    load: async ({ path, about }) => (await import("./vehicle/events.js")).eventList(path, about),
  },
  {
    name: "months",
    title: t("months.title"),
    load: async ({ path, about }) => (await import("./vehicle/months.js")).months(path, about),
  },
  {
    name: "battery",
    title: t("battery.title"),
    load: async ({ path, about }) => (await import("./vehicle/battery.js")).battery(path, about),
  },
  {
    name: "frames",
    title: t("vehicle.frames"),
    load: async ({ path, about }) => (await import("./vehicle/frames.js")).frames(path, about),
  },
  {
    name: "downlinks",
    title: t("vehicle.downlinks"),
    may: "admin",
    load: async ({ path, about }) => (await import("./vehicle/downlinks.js")).downlinks(path, about),
  },
  {
    name: "sharing",
    title: t("vehicle.sharing"),
    may: "owner",
    load: async ({ path, about }) => (await import("./vehicle/sharing.js")).sharing(path, about),
  },
  {
    name: "settings",
    title: t("vehicle.settings"),
    may: "owner",
    load: async ({ path, about }) => (await import("./vehicle/settings.js")).settings(path, about),
  },
];
const OPEN_SINCE_MS = 7 * 86400000;

export async function render(root, params, signal) {
  await style("pages/vehicle.css");
  const { vehicle } = params;
  const path = `/vehicles/${encodeURIComponent(vehicle)}`; // of the API, and of this page
  const head = now();
  let map = null;
  let seen = [];
  let given = null;
  const past = history(path, {
    pointed: (ms) => map?.point(ms),
    loaded: (span) => ((seen = span.rows), map?.update(seen), player.update(span)),
    signal,
  });
  const player = replay({ moved: (ms) => (past.point(ms), map?.point(ms)), signal });
  past.append(player);
  const update = async () => {
    given = await get(path, {}, signal);
    head.update(given, given.state === "charging" ? await openSession(path, signal) : null);
  };
  await update();
  const owns = Boolean(who()?.admin) || given.relation === "owner";
  const make = { vehicle, path, about: { open: past.open, about: () => given, changed: update, signal } };
  const parts = PARTS.filter(({ may }) => !may || (may === "owner" ? owns : who()?.admin)).map(({ name, title, load }) => ({
    name,
    title,
    load: () => load(make),
  }));
  const subjects = tabs(t("vehicle.subjects"), parts, params.query.get("part"), (part) => setQuery(path, { part }));
  root.replaceChildren(h("a", { class: "vehicle-back", href: "#/fleet" }, t("vehicle.back")), head, past, subjects);
  await past.refresh();
  // One cursor for both: each follows the other.
  map = await trackMap({ pointed: past.point, signal });
  past.after(map);
  map.update(seen);
  const refresh = gathered(() => Promise.all([update(), past.refresh(), subjects.refresh()]));
  // The stream begins with the last status, so none is missed between the two; mostly the page shows it already.
  follow("/stream", { vehicle }, { onEvent: (status) => status.id !== given.status_id && refresh(), signal });
}

async function openSession(path, signal) {
  const found = await get(`${path}/sessions`, { from: Date.now() - OPEN_SINCE_MS, limit: 1000 }, signal);
  return found.findLast((one) => one.state === "open") ?? null;
}
