// Settings of many vehicles at once: which ones, what of them, and all of it as a file.

import "../texts/many.js";
import { get, page, put, who } from "../api.js";
import { number, quantity, t, tn } from "../texts.js";
import { badge, button, confirmed, empty, field, form, h, pageHead, replaceText, saveFile, select, setQuery, style, table, toast } from "../ui.js";

const AT_ONCE = 200; // vehicles of one request
const FILE_MAX = 8 << 20;
const PROFILE = ["battery", "maxVoltage", "phases"];
const OF_FILE = ["battery", "maxVoltage", "phases", "zone", "type"]; // what a file sets; a name and a plate are a vehicle's own

export async function render(root, params, signal) {
  await style("pages/many.css");
  const many = new Many(params.query, signal);
  root.replaceChildren(many.head, many.finder, many.place, many.said, many.change);
  await Promise.all([many.load(), many.nameFormats()]);
}

class Many {
  constructor(query, signal) {
    this.signal = signal;
    this.chosen = new Set();
    this.rows = [];
    const upload = h("input", { type: "file", accept: "application/json,.json", class: "unseen", tabindex: -1, "aria-hidden": "true" });
    upload.addEventListener("change", () => this.take(upload));
    this.head = pageHead(
      t("many.title"),
      h("div", { class: "page-actions" },
        button(t("many.export"), { icon: "download", onclick: () => this.save() }),
        button(t("many.import"), { icon: "up", onclick: () => upload.click() }),
        upload,
      ),
    );
    this.tag = field(t("many.tag"), { value: query.get("tag") ?? "", autocomplete: "off", hint: t("many.tag.hint") });
    this.finder = form(
      [h("div", { class: "many-finder" }, this.tag, button(t("many.show"), { type: "submit", icon: "search" }))],
      () => (setQuery("/fleet/settings", { tag: this.tag.control.value.trim() }), this.load()),
    );
    this.place = h("div", {});
    this.said = h("div", { role: "status" });
    this.format = select([["", t("many.stays")]], "", {});
    this.change = this.makeForm();
  }

  makeForm() {
    const figure = (label) => field(label, { inputmode: "decimal", placeholder: t("many.stays"), autocomplete: "off" });
    const inputs = {
      battery: figure(t("many.battery")),
      maxVoltage: figure(t("many.voltage")),
      phases: field(t("many.phases"), { control: select([["", t("many.stays")], ["1", "1"], ["2", "2"], ["3", "3"]], "", {}) }),
      zone: field(t("many.zone"), { placeholder: t("many.stays"), autocomplete: "off" }),
      price: figure(t("many.price")),
      currency: field(t("many.currency"), { value: "EUR", maxlength: 3, autocomplete: "off" }),
    };
    this.submit = button(tn("many.save", 0), { kind: "main", type: "submit" });
    return form(
      [
        h("h2", {}, t("many.change")),
        h("p", { class: "muted" }, t("many.change.why")),
        h("div", { class: "field-row" }, inputs.battery, inputs.maxVoltage, inputs.phases),
        h("div", { class: "field-row" }, inputs.zone, inputs.price, inputs.currency),
        who()?.admin && field(t("many.format"), { control: this.format }),
        h("div", {}, this.submit),
      ],
      () => this.apply(changeOf(inputs, this.format.value)),
      { class: "form card many-form" },
    );
  }

  async nameFormats() {
    if (!who()?.admin) return;
    const found = await get("/formats", {}, this.signal);
    this.format.append(...found.map((one) => h("option", { value: one.name }, one.name)));
  }

  async load() {
    const tag = this.tag.control.value.trim();
    this.rows = await everything(tag ? { tag, limit: AT_ONCE } : { limit: AT_ONCE }, this.signal);
    this.chosen = new Set(this.rows.map((row) => row.vehicle));
    this.shown();
  }

  shown() {
    const any = this.rows.length > 0;
    this.change.hidden = !any;
    if (!any) this.place.replaceChildren(empty({ icon: "car", title: t("many.none"), text: t("many.none.next") }));
    else this.place.replaceChildren(table(this.columns(), this.rows, { caption: t("many.title"), compact: true }));
    this.counted();
  }

  counted() {
    this.head.said(tn("many.chosen", this.chosen.size));
    replaceText(this.submit.querySelector("span"), tn("many.save", this.chosen.size));
    this.submit.disabled = this.chosen.size === 0;
  }

  columns() {
    const tick = (row) =>
      h("input", {
        type: "checkbox",
        checked: this.chosen.has(row.vehicle),
        "aria-label": t("many.choose", { vehicle: row.vehicle }),
        onchange: (event) => (event.target.checked ? this.chosen.add(row.vehicle) : this.chosen.delete(row.vehicle), this.counted()),
      });
    const said = (row) => h("label", { class: "many-vehicle" }, tick(row), h("span", {}, row.profile.name || row.vehicle), row.profile.name && h("small", { class: "mono muted" }, row.vehicle));
    return [
      { title: t("many.vehicle"), cell: said },
      { title: t("many.battery.short"), class: "number", cell: (row) => quantity(row.profile.battery, "kWh", 1) },
      { title: t("many.voltage.short"), class: "number", cell: (row) => charger(row.profile) },
      { title: t("many.zone.short"), cell: (row) => row.profile.zone ?? "–" },
      { title: t("many.price.short"), class: "number", cell: (row) => (row.tariff ? `${number(row.tariff.per_kwh ?? 0, 3)} ${row.tariff.currency}` : "–") },
      { title: t("many.format"), cell: (row) => row.format ?? "–" },
    ];
  }

  async apply(change) {
    if (!Object.keys(change).length) return toast(t("many.nothing"), "warn");
    const items = this.rows.filter((row) => this.chosen.has(row.vehicle)).map((row) => ({ vehicle: row.vehicle, ...change }));
    return this.put(items);
  }

  /** Set these, and show what was refused. */
  async put(items) {
    const refused = [];
    for (let at = 0; at < items.length; at += AT_ONCE) {
      const some = items.slice(at, at + AT_ONCE);
      const { verdicts } = await put("/fleet/settings", { items: some }, { signal: this.signal });
      verdicts.forEach((one, index) => one !== "set" && refused.push({ vehicle: some[index].vehicle, why: one.detail }));
    }
    const kept = this.chosen;
    await this.load();
    this.chosen = new Set(this.rows.map((row) => row.vehicle).filter((one) => kept.has(one)));
    this.shown();
    toast(tn("many.done", items.length - refused.length));
    this.said.replaceChildren(...(refused.length ? [refusals(refused)] : []));
  }

  save() {
    const rows = this.rows.filter((row) => this.chosen.has(row.vehicle)).map(({ vehicle, profile, tariff, format }) => ({ vehicle, profile, tariff, format }));
    saveFile("evd-settings.json", new Blob([JSON.stringify(rows, null, 2)], { type: "application/json" }));
  }

  async take(upload) {
    const file = upload.files[0];
    upload.value = "";
    const items = file && file.size <= FILE_MAX ? itemsOf(await file.text(), Boolean(who()?.admin)) : null;
    if (!items?.length) return toast(t("many.file.wrong"), "bad");
    if (!(await confirmed(t("many.file.sure"), tn("many.file.text", items.length), t("many.file.set")))) return undefined;
    return this.put(items);
  }
}

/** What the form says, as an item of the request without its vehicle; a number may have a comma. */
function changeOf(inputs, format) {
  const said = (name) => inputs[name].control.value.trim();
  const figure = (text) => (Number.isNaN(Number(text.replace(",", "."))) ? text : Number(text.replace(",", ".")));
  const profile = {};
  for (const name of PROFILE) if (said(name)) profile[name] = figure(said(name));
  if (said("zone")) profile.zone = said("zone");
  return {
    ...(Object.keys(profile).length && { profile }),
    ...(said("price") && { tariff: { currency: said("currency").toUpperCase(), per_kwh: figure(said("price")) } }),
    ...(format && { format }),
  };
}

/** The items of a file that this page saved; null if it is none. A user's have no format, which only administrators set. */
export function itemsOf(text, admin) {
  let rows;
  try {
    rows = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(rows) || rows.some((row) => typeof row?.vehicle !== "string")) return null;
  return rows.map(({ vehicle, profile, tariff, format }) => ({
    vehicle,
    profile: Object.fromEntries(OF_FILE.filter((name) => profile?.[name] !== undefined).map((name) => [name, profile[name]])),
    ...(tariff !== undefined && { tariff }),
    ...(admin && format !== undefined && { format }),
  }));
}

function refusals(rows) {
  const columns = [
    { title: t("many.vehicle"), cell: (row) => h("span", { class: "mono" }, row.vehicle) },
    { title: t("many.why"), cell: (row) => row.why },
  ];
  return h("div", { class: "many-refused" }, badge(tn("many.refused", rows.length), { tone: "bad", icon: "alert" }), table(columns, rows, { caption: t("many.why") }));
}

function charger({ maxVoltage, phases }) {
  return maxVoltage ? `${quantity(maxVoltage, "V")} × ${phases ?? 1}` : "–";
}

async function everything(query, signal) {
  let found = await page("/fleet/settings", query, signal);
  const rows = [...found.rows];
  while (found.next) {
    found = await page(found.next, {}, signal);
    rows.push(...found.rows);
  }
  return rows;
}
