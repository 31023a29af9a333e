// The replay of the chart's span: a button and a time, which move the chart's cursor and the map's together; its stops.

import { currentLanguage, quantity, t } from "../../texts.js";
import { button, duration, h, icon, replaceText } from "../../ui.js";

const LASTS_MS = 24000; // a span, however long
const STEP_MS = 60000;
const STOPS_SPAN_MS = 8 * 86400000; // of a longer span they would be too many to read
const STOP_LEAST_MS = 5 * 60000;
const STOPS_MAX = 24;

/**
 * `.update({from, until, rows, bands})`: what the chart shows, as `loaded` of history.js gives it. `moved(ms)` is called
 * for the replay's time. What the reader chose stays while new data of the same span arrive.
 */
export function replay({ moved, signal }) {
  const exact = new Intl.DateTimeFormat(currentLanguage(), { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const clock = new Intl.DateTimeFormat(currentLanguage(), { hour: "2-digit", minute: "2-digit" });
  const toggle = button("", { icon: "play", kind: "main", label: t("replay.play"), onclick: () => (playing ? pause() : play()) });
  const slider = h("input", { type: "range", class: "replay-slider", "aria-label": t("replay.at"), step: STEP_MS });
  const said = h("output", { class: "replay-said number" });
  const stops = h("ol", { class: "replay-stops", "aria-label": t("replay.stops") });
  const element = h("div", { class: "replay", hidden: true }, h("div", { class: "replay-bar" }, toggle, slider, said), stops);
  let shown = { from: 0, until: 0, rows: [], bands: [] };
  let playing = 0;

  slider.addEventListener("input", () => (pause(), show(Number(slider.value))));
  signal.addEventListener("abort", () => cancelAnimationFrame(playing));

  function show(ms) {
    slider.value = ms;
    const text = [exact.format(ms), charge(shown.rows, ms)].filter(Boolean).join(" · ");
    replaceText(said, text);
    slider.setAttribute("aria-valuetext", text);
    element.dataset.at = ms;
    moved(ms);
  }

  function play() {
    const [first, last] = [Number(slider.min), Number(slider.max)];
    const begin = Number(slider.value) >= last - STEP_MS ? first : Number(slider.value);
    let began = 0;
    const step = (now) => {
      began ||= now;
      const ms = begin + ((now - began) / LASTS_MS) * (last - first);
      show(Math.min(ms, last));
      if (ms < last) playing = requestAnimationFrame(step);
      else pause();
    };
    playing = requestAnimationFrame(step);
    dress("pause");
  }

  function pause() {
    cancelAnimationFrame(playing);
    playing = 0;
    dress("play");
  }

  function dress(name) {
    toggle.replaceChildren(icon(name));
    const text = name === "play" ? t("replay.play") : t("replay.pause");
    toggle.setAttribute("aria-label", text);
    toggle.title = text;
  }

  function listed({ from, until, bands }) {
    const found = until - from > STOPS_SPAN_MS ? [] : stopsOf(bands, until);
    stops.hidden = !found.length;
    stops.replaceChildren(
      ...found.slice(-STOPS_MAX).map((one) =>
        h("li", {}, h("button", { type: "button", class: "replay-stop", onclick: () => (pause(), show(one.from)) },
          icon(one.charged ? "bolt" : "pause"),
          h("b", { class: "number" }, until - from > 86400000 ? exact.format(one.from) : clock.format(one.from)),
          h("span", {}, [duration((one.until - one.from) / 1000), one.charged && t("replay.charged")].filter(Boolean).join(" · ")),
        )),
      ),
    );
  }

  element.update = (given) => {
    const same = given.from >= shown.from && given.until >= shown.until && given.from - shown.from < given.until - given.from;
    shown = given;
    element.hidden = !given.rows.length;
    if (element.hidden) return pause();
    // Whole steps, so that a time which is set stays what it is.
    slider.min = Math.floor(given.from / STEP_MS) * STEP_MS;
    slider.max = Math.ceil(given.until / STEP_MS) * STEP_MS;
    if (!same || !playing) {
      pause();
      slider.value = slider.min;
      replaceText(said, exact.format(Number(slider.min)));
    }
    return listed(given);
  };
  return element;
}

/** Where the vehicle stood between two trips: [{from, until, charged}], the oldest first; the last one may go on. */
export function stopsOf(bands, end) {
  const trips = bands.filter((one) => one.kind === "driving").sort((a, b) => a.from - b.from);
  const sessions = bands.filter((one) => one.kind === "charging");
  return trips
    .map((one, at) => ({ from: one.until, until: trips[at + 1]?.from ?? end }))
    .filter((one) => one.until - one.from >= STOP_LEAST_MS)
    .map((one) => ({ ...one, charged: sessions.some((session) => session.from < one.until && session.until > one.from) }));
}

function charge(rows, ms) {
  const value = rows.findLast((row) => row.start_ms <= ms)?.fields.current_charge?.last;
  return typeof value === "number" ? quantity(value, "%") : "";
}
