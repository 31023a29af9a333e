// Refused callbacks: why, with the body and the place of the fault; replay one, some or all; forget.

import "../texts/refused.js";
import { del, get, page, post, unlessAbsent } from "../api.js";
import { t, tn } from "../texts.js";
import { button, confirmed, dialog, empty, h, latest, pageHead, setQuery, skeleton, style, toast, when } from "../ui.js";
import { refusedDetail } from "./refused_detail.js";

const PAGE = 100;
const WIDE = "(min-width: 1001px)"; // list and detail side by side, as in refused.css
const LETTERS_MAX = 160; // of a reason in the list

export async function render(root, params, signal) {
  await style("pages/refused.css");
  const refused = new Refused(params.query, signal);
  root.replaceChildren(refused.head, refused.tools, refused.body);
  await refused.load();
}

class Refused {
  constructor(query, signal) {
    this.signal = signal;
    this.error = query.get("error") || "";
    this.open = Number(query.get("number")) || null;
    this.rows = [];
    this.reasons = new Set();
    this.next = null;
    this.chosen = new Set();
    this.replayAll = button(t("refused.replay.all"), { icon: "refresh", onclick: () => this.everyOne() });
    this.head = pageHead(t("refused.title"), this.replayAll);
    this.tools = h("div", { class: "toolbar" });
    this.body = h("div", {});
    this.detail = h("div", { class: "refused-side" });
    const first = () => page("/rejections", { limit: PAGE, error: this.error }, signal);
    this.list = latest((from) => (from ? page(from, null, signal) : first()), (found, from) => this.listed(found, from));
    this.show = latest((number) => unlessAbsent(get(`/rejections/${number}`, {}, signal)), (one, number) => this.opened(one, number));
  }

  load() {
    this.body.replaceChildren(skeleton("row", 6));
    return this.list(null);
  }

  /** `from`: the page is one more of those that stand here. */
  async listed(found, from) {
    this.rows = from ? this.rows.concat(found.rows) : found.rows;
    this.next = found.next;
    this.shown();
    if (from) return;
    if (matchMedia(WIDE).matches && this.rows.length) await this.show(this.open ?? this.rows[0].number);
    else if (this.open) await this.show(this.open);
  }

  shown() {
    for (const row of this.rows) this.reasons.add(row.error);
    this.head.said(this.next ? tn("refused.count.more", this.rows.length) : tn("refused.count", this.rows.length));
    this.replayAll.hidden = !this.rows.length;
    this.showTools();
    if (!this.rows.length) {
      this.body.replaceChildren(this.nothing());
      return;
    }
    const list = h("ul", { class: "refused-list", "aria-label": t("refused.list") }, this.rows.map((row) => this.item(row)));
    if (this.next) list.append(h("li", { class: "refused-more" }, button(t("app.more"), { onclick: () => this.list(this.next) })));
    this.body.replaceChildren(h("div", { class: "refused" }, list, this.detail));
  }

  nothing() {
    if (!this.error) return empty({ icon: "check", title: t("refused.none"), text: t("refused.none.text") });
    const action = button(t("refused.nothing.next"), { onclick: () => this.only("") });
    return empty({ icon: "search", title: t("refused.nothing"), action });
  }

  showTools() {
    if (this.chosen.size) {
      this.tools.replaceChildren(
        h("b", { role: "status" }, tn("refused.chosen", this.chosen.size)),
        button(t("refused.replay"), { kind: "main", icon: "refresh", onclick: () => this.replay([...this.chosen]) }),
        button(t("refused.forget"), { kind: "danger", icon: "trash", onclick: () => this.forget([...this.chosen]) }),
        button(t("refused.clear"), { kind: "plain", onclick: () => this.choose(null) }),
      );
      return;
    }
    const options = [["", t("refused.reason.all")], ...[...this.reasons].sort().map((one) => [one, one])];
    const chips = options.map(([value, text]) =>
      h("button", { type: "button", class: "chip", "aria-pressed": String(value === this.error), onclick: () => this.only(value) }, text),
    );
    this.tools.replaceChildren(
      ...(this.reasons.size > 1 || this.error ? [h("div", { class: "chips", role: "group", "aria-label": t("refused.reasons") }, chips)] : []),
    );
  }

  item(row) {
    const check = h("input", {
      type: "checkbox",
      checked: this.chosen.has(row.number),
      "aria-label": t("refused.choose", { number: row.number }),
      onchange: (event) => this.choose(row.number, event.target.checked),
    });
    const opener = h(
      "button",
      { type: "button", class: "refused-open", "aria-current": String(row.number === this.open), onclick: () => this.show(row.number) },
      h("span", { class: "refused-error" }, row.error),
      h("span", { class: "refused-aside" }, when(row.received, null, { focusable: false, label: t("time.received") })),
      h("span", { class: "refused-detail-line" }, (row.detail || row.route).slice(0, LETTERS_MAX)),
      h("span", { class: "refused-aside mono" }, row.route.split("?")[0]),
      row.times > 1 && h("span", { class: "refused-aside number" }, `× ${row.times}`),
    );
    const element = h("li", { class: "refused-item" }, h("label", { class: "refused-check" }, check), opener);
    element.dataset.number = row.number;
    return element;
  }

  /** Choose or unchoose one; null: choose none. */
  choose(number, wanted) {
    if (number === null) {
      this.chosen.clear();
      for (const box of this.body.querySelectorAll("input:checked")) box.checked = false;
    } else if (wanted) this.chosen.add(number);
    else this.chosen.delete(number);
    this.showTools();
  }

  only(error) {
    this.error = error;
    this.open = null;
    this.chosen.clear();
    this.address();
    return this.load();
  }

  address() {
    setQuery("/refused", { error: this.error, number: this.open });
  }

  /** Show one: beside the list, or in a dialog where there is no room. */
  opened(one, number) {
    if (one === null) {
      toast(t("refused.gone"), "warn");
      return;
    }
    this.open = number;
    this.address();
    for (const opener of this.body.querySelectorAll(".refused-open")) {
      opener.setAttribute("aria-current", String(Number(opener.parentElement.dataset.number) === number));
    }
    const wide = matchMedia(WIDE).matches;
    let over = null;
    const done = (work) => async () => {
      if (await work()) over?.close();
    };
    const detail = refusedDetail(one, { replay: done(() => this.replay([number])), forget: done(() => this.forget([number])) });
    if (wide) {
      this.detail.replaceChildren(detail);
      return;
    }
    over = dialog(`${t("refused.title")} ${number}`, detail, { wide: true });
  }

  /** Replay these, the oldest first; true if evd took all. */
  replay(numbers) {
    return this.replayed(async (results) => {
      for (const number of numbers.sort((one, other) => one - other)) {
        results.push(await post(`/rejections/${number}/replay`, {}, { signal: this.signal }));
      }
    });
  }

  /** Replay all that are kept, in evd's steps. */
  everyOne() {
    return this.replayed(async (results) => {
      let wish = {};
      do {
        const step = await post("/rejections/replay", wish, { signal: this.signal });
        results.push(...step.results);
        wish = { after: step.next, through: step.through };
        this.head.said(tn("refused.replaying", results.length));
      } while (wish.after !== null);
    });
  }

  /** `work(results)` replays; what it did is said and leaves the list also if evd refuses the rest of it. */
  async replayed(work) {
    const results = [];
    this.replayAll.disabled = true;
    try {
      await work(results);
    } finally {
      this.replayAll.disabled = false;
      await this.said(results);
    }
    return results.every((one) => one.taken);
  }

  async said(results) {
    const taken = results.filter((one) => one.taken);
    const still = results.filter((one) => !one.taken);
    const without = taken.flatMap((one) => one.without);
    if (taken.length) toast(tn("refused.taken", taken.length));
    if (without.length) toast(t("refused.taken.without", { names: [...new Set(without)].join(", ") }), "warn");
    if (still.length === 1) toast(t("refused.still.one", { reason: still[0].detail || still[0].error }), "bad");
    else if (still.length) toast(tn("refused.still", still.length), "bad");
    if (taken.length) await this.left(taken.map((one) => one.number));
    else this.shown();
  }

  async forget(numbers) {
    const sure = await confirmed(tn("refused.forget.sure", numbers.length), t("refused.forget.text"), t("refused.forget"));
    if (!sure) return false;
    for (const number of numbers) {
      await unlessAbsent(del(`/rejections/${number}`, { signal: this.signal }));
    }
    toast(tn("refused.forgotten", numbers.length));
    await this.left(numbers);
    return true;
  }

  /** These left the list: ask for it anew. */
  async left(numbers) {
    for (const number of numbers) this.chosen.delete(number);
    if (numbers.includes(this.open)) this.open = null;
    this.detail.replaceChildren();
    this.address();
    await this.load();
  }
}
