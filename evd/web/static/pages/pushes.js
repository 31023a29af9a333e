// Pushes: what waits, what was sent, failures by reason, the registered phones, and a test.

import "../texts/pushes.js";
import { get, page, post } from "../api.js";
import { number, t, tn } from "../texts.js";
import { button, empty, h, latest, notice, pageHead, segments, setQuery, skeleton, style, tile } from "../ui.js";
import { failures } from "./pushes_reasons.js";
import { TABLES } from "./pushes_tables.js";
import { testPush } from "./pushes_test.js";

const ROWS = 25;
const LOOKED_AT = 1000; // finished pushes among which the reasons are counted
const AGAIN_MS = 10000;
const TYPING_MS = 250;

export async function render(root, params, signal) {
  await style("pages/pushes.css");
  const pushes = new Pushes(params.query, signal);
  root.replaceChildren(pushes.head, pushes.body);
  pushes.body.replaceChildren(skeleton("row", 6));
  await pushes.load();
  const again = setInterval(() => !document.hidden && pushes.quietly(), AGAIN_MS);
  signal.addEventListener("abort", () => clearInterval(again));
}

class Pushes {
  constructor(query, signal) {
    this.signal = signal;
    this.shown = query.get("show") in TABLES ? query.get("show") : "finished";
    this.vehicle = query.get("vehicle") || "";
    this.limit = ROWS;
    this.actions = h("div", { class: "page-actions" });
    this.head = pageHead(t("pushes.title"), this.actions);
    this.state = h("div", {});
    this.reasons = h("div", {});
    this.list = h("div", {});
    this.body = h("div", {});
    const ask = () => Promise.all([get("/stats", {}, signal), get("/pushes", { limit: LOOKED_AT }, signal)]);
    this.load = latest(ask, ([stats, how]) => this.loaded(stats, how));
    const some = (one) => page(one.path, { ...one.query, limit: this.limit, vehicle: this.vehicle }, signal);
    this.ask = latest(some, (found, one) => this.listed(found, one));
  }

  async loaded(stats, how) {
    if (!how.enabled) {
      this.actions.replaceChildren();
      this.body.replaceChildren(empty({ icon: "send", title: t("pushes.off"), text: t("pushes.off.text") }));
      return;
    }
    this.showState(stats, how);
    this.reasons.replaceChildren(failures(how));
    if (!this.list.isConnected) this.body.replaceChildren(this.state, this.reasons, this.tools(), this.list);
    await this.rows();
  }

  async quietly() {
    try {
      await this.load();
    } catch {
      // The next one may succeed.
    }
  }

  showState(stats, how) {
    const outcomes = stats.push.outcomes || {};
    const count = (...names) => names.reduce((sum, name) => sum + (outcomes[name] || 0), 0);
    const waiting = (stats.stored.states_waiting || 0) + (stats.stored.events_waiting || 0);
    const days = how.stale_after_days;
    const failed = count("expired", "given up", "registration dropped", "foreign sender");
    this.state.replaceChildren(
      how.paused_since ? notice(t("pushes.held"), { tone: "warn", icon: "pause" }) : "",
      how.held_up ? notice(how.held_up, { tone: "bad" }) : "",
      h(
        "div",
        { class: "tiles" },
        tile(t("pushes.waiting"), number(waiting), stats.push.in_flight ? tn("pushes.in_flight", stats.push.in_flight) : ""),
        tile(t("pushes.taken"), number(count("sent")), tn("pushes.retried", count("retried", "quota"))),
        tile(t("pushes.failed"), number(failed), "", failed ? "bad" : ""),
        tile(t("pushes.phones"), number(how.registered), how.stale ? tn("pushes.phones.stale", how.stale, { days }) : ""),
      ),
    );
    const paused = Boolean(how.paused_since);
    if (this.paused === paused) return; // the buttons keep the focus
    this.paused = paused;
    this.actions.replaceChildren(
      button(paused ? t("pushes.resume") : t("pushes.pause"), { icon: paused ? "play" : "pause", onclick: () => this.pause(!paused) }),
      button(t("pushes.test"), { kind: "main", icon: "send", onclick: () => testPush(this.vehicle, this.signal) }),
    );
  }

  async pause(wanted) {
    await post(wanted ? "/pushes/pause" : "/pushes/resume", {}, { signal: this.signal });
    await this.load();
    this.actions.querySelector("button")?.focus();
  }

  tools() {
    const options = Object.entries(TABLES).map(([name, one]) => [name, one.title]);
    const choose = (name) => {
      this.shown = name;
      return this.changed();
    };
    const input = h("input", {
      class: "input",
      type: "search",
      value: this.vehicle,
      placeholder: t("pushes.filter.all"),
      "aria-label": t("pushes.filter"),
    });
    let typing;
    input.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => {
        this.vehicle = input.value.trim();
        this.changed();
      }, TYPING_MS);
    });
    return h("div", { class: "pushes-tools" }, segments(t("pushes.tables"), options, this.shown, choose), input);
  }

  changed() {
    setQuery("/pushes", { show: this.shown, vehicle: this.vehicle });
    return this.rows();
  }

  more() {
    this.limit = Math.min(this.limit * 4, LOOKED_AT);
    document.activeElement?.blur();
    return this.rows();
  }

  rows() {
    return this.ask(TABLES[this.shown]);
  }

  listed(found, one) {
    if (this.list.contains(document.activeElement)) return; // the reader is in it
    const rows = one.rows(found.rows);
    if (!rows.length) {
      this.list.replaceChildren(empty(one.none));
      return;
    }
    const more = button(t("app.more"), { class: "pushes-more", onclick: () => this.more() });
    this.list.replaceChildren(one.table(rows), found.next ? more : "");
  }
}
