// The track of the chart's span and the last place on a map. Without a source of tiles it has a grid of coordinates.

import { tiles } from "../../api.js";
import { t } from "../../texts.js";
import { h, style } from "../../ui.js";

const ZOOM_MAX = 17;
const TILE = 256;

/**
 * An element with the map, which lives until `signal` aborts. `update(rows)` shows buckets of /statuses that have a place;
 * `.point(ms)` marks the place of that time, or none for null; `pointed(ms)` is called for the place under the mouse.
 */
export async function trackMap({ pointed, signal }) {
  const [{ default: L }] = await Promise.all([import("../../vendor/leaflet.js"), style("vendor/leaflet.css")]);
  signal.throwIfAborted();
  const place = h("div", { class: "vehicle-map", role: "region", "aria-label": t("map.title") });
  const element = h("section", { class: "card vehicle-section", hidden: true }, h("div", { class: "vehicle-section-head" }, h("h2", {}, t("map.title"))), place, credit());
  let map = null;
  let track = null;
  let cursor = null;
  let points = [];

  function begin() {
    map = L.map(place, { maxZoom: ZOOM_MAX, attributionControl: false, zoomAnimation: false, zoomSnap: tiles() ? 1 : 0.25 });
    (tiles() ? L.tileLayer(tiles().url, { maxZoom: ZOOM_MAX }) : gridOf(L)).addTo(map);
    track = L.layerGroup().addTo(map);
    map.on("mousemove", ({ containerPoint }) => pointed(nearest(map, points, containerPoint)?.ms ?? null));
    map.on("mouseout", () => pointed(null));
    signal.addEventListener("abort", () => map.remove(), { once: true });
  }

  element.update = (rows) => {
    const before = points;
    points = rows.flatMap(pointOf);
    element.hidden = points.length === 0;
    if (!points.length) return;
    if (map === null) begin();
    map.invalidateSize();
    track.clearLayers();
    const way = points.map(({ at }) => at);
    L.polyline(way, { className: "map-track", interactive: false }).addTo(track);
    for (const at of way) L.circleMarker(at, { radius: 2.5, className: "map-point", interactive: false }).addTo(track);
    L.circleMarker(way.at(-1), { radius: 8, className: "map-last", interactive: false }).addTo(track);
    cursor = L.circleMarker(way.at(-1), { radius: 9, className: "map-cursor is-away", interactive: false }).addTo(track);
    place.dataset.points = points.length;
    // What arrives leaves the reader's view alone; another span is shown whole.
    if (before[0]?.ms !== points[0].ms) map.fitBounds(L.latLngBounds(way), { padding: [32, 32], maxZoom: 15 });
  };
  element.point = (ms) => {
    if (cursor === null) return;
    const found = ms === null ? null : points.findLast((one) => one.ms <= ms);
    if (found) cursor.setLatLng(found.at);
    cursor.getElement()?.classList.toggle("is-away", !found);
    if (found) place.dataset.cursor = found.ms;
    else delete place.dataset.cursor;
  };
  return element;
}

/** Whose map it is, or how there may be one. */
function credit() {
  return h("p", { class: "map-credit muted" }, tiles() ? tiles().attribution : t("map.grid"));
}

/** [{ms, at: [latitude, longitude]}] of a bucket; empty if it has no place. */
function pointOf(row) {
  const said = row.fields.location?.last;
  const at = typeof said === "string" ? said.split(",").map(Number) : [];
  return at.length === 2 && at.every(Number.isFinite) ? [{ ms: row.start_ms, at }] : [];
}

/** The point of the track within 24 pixels of the mouse, or null. */
function nearest(map, points, mouse) {
  let best = null;
  let least = 24;
  for (const one of points) {
    const distance = map.latLngToContainerPoint(one.at).distanceTo(mouse);
    if (distance < least) [best, least] = [one, distance];
  }
  return best;
}

/** Meridians and parallels at the edges of what would be tiles, each with its degrees. */
function gridOf(L) {
  const Grid = L.GridLayer.extend({
    createTile(coords) {
      const north = this._map.unproject([coords.x * TILE, coords.y * TILE], coords.z);
      const digits = Math.max(0, Math.min(4, Math.ceil((coords.z - 6) / 3)));
      return h(
        "div",
        { class: "map-tile" },
        h("span", {}, `${north.lat.toFixed(digits)}°, ${north.lng.toFixed(digits)}°`),
      );
    },
  });
  return new Grid({ tileSize: TILE });
}
