// The fleet: a card or a row a vehicle, live.

import "../texts/fleet.js";
import { fleetInPage, follow, isDemo, page, who } from "../api.js";
import { remember, remembered } from "../store.js";
import { t, tn } from "../texts.js";
import { badge, button, empty, field, h, icon, pageHead, segments, select, setQuery, skeleton, style, windowed } from "../ui.js";
import { vehicleCard, vehicleLine } from "./fleet_vehicle.js";

const FIRST = 48; // a screen of cards and more: on a slow network it is there sooner
const PAGE = 200;
const TYPING_MS = 250;
const AGAIN_MS = 60000;
const SIZES = { cards: { least: 300, height: 188, gap: 16 }, rows: { least: Infinity, height: 64, gap: 0 } };
const NARROW = 720;
const CHANNELS = { 1: "sigfox", 2: "wlan" };
const STATE_WORDS = ["off", "charging", "idle", "driving"];

export async function render(root, params, signal) {
  await style("pages/fleet.css");
  const fleet = new Fleet(params.query, signal);
  root.replaceChildren(fleet.head, fleet.tools, fleet.body);
  if (isDemo() && who()?.admin) {
    const { demoStrip } = await import("./demo.js");
    fleet.head.after(demoStrip(signal));
  }
  await fleet.load();
}

class Fleet {
  constructor(query, signal) {
    this.signal = signal;
    this.asked = {
      text: query.get("text") || "",
      state: query.get("state") || "",
      staleness: query.get("staleness") || "",
      tag: query.get("tag") || "",
      sort: query.get("sort") || "",
    };
    this.layout = remembered("fleet.layout", "cards");
    this.rows = [];
    this.known = new Map();
    this.next = null;
    this.turn = 0;
    this.live = h("span", { class: "live" });
    const many = h("a", { class: "button button-icon", href: "#/fleet/settings", "aria-label": t("many.title"), title: t("many.title") }, icon("gear"));
    this.head = pageHead(t("fleet.title"), h("div", { class: "page-actions" }, this.live, many));
    this.tools = this.makeTools();
    this.body = h("div", { class: "fleet" });
    this.list = windowed({
      make: (row) => (this.layout === "cards" ? vehicleCard(row) : vehicleLine(row)),
      key: (row) => row.vehicle,
      size: (width) => this.size(width),
      nearEnd: () => this.more(),
      label: t("fleet.title"),
      signal,
    });
    this.follow();
    const again = setInterval(() => !document.hidden && this.load({ quiet: true }), AGAIN_MS);
    signal.addEventListener("abort", () => clearInterval(again));
  }

  size(width) {
    const { least, height, gap } = SIZES[this.layout];
    if (this.layout === "rows") return { columns: 1, height: width < NARROW ? 84 : height, gap };
    return { columns: Math.max(1, Math.floor((width + gap) / (least + gap))), height, gap };
  }

  makeTools() {
    const search = h("input", {
      type: "search",
      class: "input",
      placeholder: t("fleet.search"),
      "aria-label": t("fleet.search"),
      value: this.asked.text || (this.asked.tag && `tag:${this.asked.tag}`),
    });
    let typing;
    search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.ask(searched(search.value)), TYPING_MS);
    });
    this.search = search;
    const any = ["", t("fleet.filter.any")];
    const states = [any, ["charging", t("state.charging")], ["driving", t("state.driving")], ["idle", t("state.idle")], ["off", t("state.off")]];
    const ages = [any, ["fresh", t("fleet.fresh")], ["silent", t("fleet.silent")], ["never", t("fleet.never")]];
    const orders = [
      ["", t("fleet.sort.attention")],
      ["id", t("fleet.sort.id")],
      ["-age", t("fleet.sort.oldest")],
      ["age", t("fleet.sort.newest")],
      ["charge", t("fleet.sort.low")],
      ["-charge", t("fleet.sort.high")],
    ];
    const layouts = [
      ["cards", t("fleet.layout.cards"), "cards"],
      ["rows", t("fleet.layout.rows"), "rows"],
    ];
    return h(
      "div",
      { class: "tools", role: "search" },
      h("div", { class: "tools-search" }, icon("search"), search),
      this.chooser(t("fleet.filter.state"), "state", states),
      this.chooser(t("fleet.filter.staleness"), "staleness", ages),
      this.chooser(t("fleet.sort"), "sort", orders),
      segments(t("fleet.layout"), layouts, this.layout, (one) => this.lay(one), { iconsOnly: true }),
    );
  }

  chooser(label, name, options) {
    const control = select(options, this.asked[name], { onchange: (event) => this.ask({ [name]: event.target.value }) });
    return field(label, { control });
  }

  lay(layout) {
    this.layout = layout;
    remember("fleet.layout", layout);
    this.list.classList.toggle("is-rows", layout === "rows");
    this.list.reset();
  }

  ask(changes) {
    Object.assign(this.asked, changes);
    setQuery("/fleet", this.asked);
    return this.load();
  }

  async load({ quiet = false } = {}) {
    const turn = (this.turn += 1);
    const early = Object.values(this.asked).some(Boolean) ? null : fleetInPage();
    if (!quiet && !early && !this.rows.length) this.body.replaceChildren(skeleton(this.layout === "cards" ? "card" : "row", 8));
    const query = { ...this.asked, sort: this.asked.sort || "attention", today: 1, limit: quiet ? Math.min(Math.max(FIRST, this.rows.length), 1000) : FIRST };
    let found;
    try {
      found = early ?? (await page("/vehicles", query, this.signal));
    } catch (error) {
      if (quiet) return;
      throw error;
    }
    if (turn !== this.turn) return;
    const kept = quiet ? this.rows.slice(found.rows.length) : [];
    this.rows = [...found.rows, ...kept];
    if (!kept.length) this.next = found.next;
    this.shown();
  }

  async more() {
    if (!this.next || this.busy) return;
    this.busy = true;
    const turn = this.turn;
    try {
      const found = await page(this.next.replace(/limit=\d+/, `limit=${PAGE}`), null, this.signal);
      if (turn !== this.turn) return;
      this.rows = this.rows.concat(found.rows);
      this.next = found.next;
      this.shown();
    } finally {
      this.busy = false;
    }
  }

  shown() {
    this.known = new Map(this.rows.map((row) => [row.vehicle, row]));
    this.head.said(this.next ? tn("fleet.count.more", this.rows.length) : tn("fleet.count", this.rows.length));
    if (!this.rows.length) {
      this.body.replaceChildren(this.nothing());
      return;
    }
    if (!this.list.isConnected) {
      this.list.classList.toggle("is-rows", this.layout === "rows");
      this.body.replaceChildren(this.list);
    }
    this.list.show(this.rows);
  }

  nothing() {
    const { text, state, staleness, tag } = this.asked;
    if (!(text || state || staleness || tag)) {
      const admin = who()?.admin;
      const action = admin && h("a", { class: "button button-main", href: "#/setup" }, t("setup.open"));
      return empty({ icon: "car", title: t("fleet.none"), text: t(admin ? "fleet.none.admin" : "fleet.none.user"), action });
    }
    const clear = () => {
      this.search.value = "";
      for (const one of this.tools.querySelectorAll("select")) one.selectedIndex = 0;
      this.ask({ text: "", state: "", staleness: "", tag: "", sort: "" });
    };
    return empty({ icon: "search", title: t("fleet.nothing"), action: button(t("fleet.nothing.next"), { onclick: clear }) });
  }

  // Live

  async follow() {
    await follow("/stream", { replay: 0, newest: 1 }, {
      signal: this.signal,
      onEvent: (status) => this.heard(status),
      onState: (live) => {
        const [text, tone] = live ? [t("live.on"), "good"] : [t("live.off"), "warn"];
        this.live.replaceChildren(badge(text, { tone, icon: live ? "signal" : "refresh" }));
      },
    });
  }

  heard(status) {
    const row = this.known.get(status.vehicleId);
    if (!row) {
      this.strange();
      return;
    }
    if (row.status_id === status.id || status.timestamp < (row.last_time_ms ?? 0)) return;
    const state = status.state === undefined ? null : (STATE_WORDS[status.state] ?? status.state);
    Object.assign(row, {
      last: status,
      status_id: status.id,
      last_time_ms: status.timestamp,
      channel: CHANNELS[status.connectivity] ?? null,
      state,
      current_charge: status.current_charge ?? null,
      target_charge: status.target_charge ?? null,
      range: status.range ?? null,
      staleness: "fresh",
      kept: Math.min(row.kept + 1, row.keep ?? row.kept + 1),
    });
    this.list.changed(status.vehicleId);
  }

  /** A vehicle that the list does not have: perhaps a new one. */
  strange() {
    const filtered = this.asked.text || this.asked.state || this.asked.staleness || this.asked.tag;
    if (filtered || this.next || this.soon) return;
    this.soon = setTimeout(() => {
      this.soon = 0;
      if (!this.signal.aborted) this.load({ quiet: true });
    }, 1000);
  }
}

function searched(typed) {
  const text = typed.trim();
  return text.startsWith("tag:") ? { tag: text.slice(4), text: "" } : { text, tag: "" };
}
