// What an owner says of a vehicle: its name and plate, what energy is calculated from, and the prices of a kWh.

import { del, get, patch, put } from "../../api.js";
import { t } from "../../texts.js";
import { button, confirmed, field, form, h, select, toast } from "../../ui.js";

const NUMBERS = ["battery", "maxVoltage", "phases"];

/** `changed()` is called when the profile is another one. */
export async function settings(path, { changed, signal }) {
  const [profile, tariff] = await Promise.all([get(`${path}/profile`, {}, signal), get(`${path}/tariff`, {}, signal)]);
  return h("div", { class: "vehicle-columns" }, profileForm(path, profile, changed), tariffForm(path, tariff));
}

function profileForm(path, profile, changed) {
  const text = (name, label, more = {}) => field(label, { name, value: profile[name] ?? "", autocomplete: "off", ...more });
  const figure = (name, label, hint) => text(name, label, { inputmode: "decimal", hint });
  const phases = select(["", "1", "2", "3"].map((one) => [one, one || "–"]), String(profile.phases ?? ""), { name: "phases" });
  const coarse = [
    ["", t("settings.coarse.usual")],
    ["nobody", t("settings.coarse.nobody")],
    ["viewers", t("settings.coarse.viewers")],
    ["everyone", t("settings.coarse.everyone")],
  ];
  const zones = h("datalist", { id: "vehicle-zones" }, Intl.supportedValuesOf("timeZone").map((one) => h("option", { value: one })));
  const save = async (given) => {
    const change = {};
    for (const [name, value] of Object.entries(given)) {
      const said = value.trim() === "" ? null : NUMBERS.includes(name) ? Number(value.replace(",", ".")) : value.trim();
      if (said !== (profile[name] ?? null)) change[name] = said;
    }
    Object.assign(profile, await patch(`${path}/profile`, change));
    toast(t("settings.saved"));
    await changed();
  };
  return form(
    [
      h("h2", {}, t("settings.profile")),
      text("name", t("settings.name"), { maxlength: 200 }),
      h("div", { class: "field-row" }, text("regNumber", t("settings.plate"), { maxlength: 32 }), text("type", t("settings.type"), { maxlength: 200 })),
      h(
        "div",
        { class: "field-row" },
        figure("battery", t("settings.battery")),
        figure("maxVoltage", t("settings.voltage")),
        field(t("settings.phases"), { control: phases }),
      ),
      text("zone", t("settings.zone"), { list: "vehicle-zones", hint: t("settings.zone.hint") }),
      zones,
      field(t("settings.coarse"), { control: select(coarse, profile.coarseLocation ?? "", { name: "coarseLocation" }), hint: t("settings.coarse.hint") }),
      h("div", {}, button(t("settings.save"), { kind: "main", type: "submit" })),
    ],
    save,
    { class: "form card vehicle-form" },
  );
}

function tariffForm(path, tariff) {
  const rows = h("div", { class: "form" });
  const known = tariff?.prices ?? [];
  const currency = field(t("settings.currency"), { value: tariff?.currency ?? "EUR", maxlength: 3, autocomplete: "off" });
  const usual = field(t("settings.price"), { value: tariff?.per_kwh ?? "", inputmode: "decimal", autocomplete: "off" });
  const add = (price = {}) => {
    const begin = field(t("settings.begin"), { type: "time", value: price.begin ?? "" });
    const end = field(t("settings.end"), { type: "time", value: price.end ?? "" });
    const cost = field(t("settings.price"), { value: price.per_kwh ?? "", inputmode: "decimal" });
    const place = field(t("settings.place"), { value: price.place ?? "", placeholder: "48.2,17.2" });
    const row = h("div", { class: "field-row" }, begin, end, cost, place);
    row.append(button("", { icon: "trash", kind: "plain", label: t("settings.price.remove"), onclick: () => row.remove() }));
    row.read = () => ({
      per_kwh: amount(cost),
      ...(begin.control.value && { begin: begin.control.value }),
      ...(end.control.value && { end: end.control.value }),
      ...(place.control.value.trim() && { place: place.control.value.trim(), radius_m: price.radius_m ?? 200 }),
    });
    rows.append(row);
  };
  known.forEach(add);
  const save = async () => {
    const prices = [...rows.children].map((row) => row.read());
    await put(`${path}/tariff`, { currency: currency.control.value.trim().toUpperCase(), per_kwh: amount(usual), prices });
    toast(t("settings.saved"));
  };
  const remove = async () => {
    if (!(await confirmed(t("settings.tariff.sure"), t("settings.tariff.text"), t("settings.tariff.remove")))) return;
    await del(`${path}/tariff`);
    rows.replaceChildren();
    usual.control.value = "";
    toast(t("settings.tariff.removed"));
  };
  return form(
    [
      h("h2", {}, t("settings.tariff")),
      h("p", { class: "muted" }, t("settings.tariff.why")),
      h("div", { class: "field-row" }, currency, usual),
      rows,
      h("div", {}, button(t("settings.price.add"), { icon: "plus", onclick: () => add() })),
      h(
        "div",
        { class: "page-actions" },
        button(t("settings.save"), { kind: "main", type: "submit" }),
        button(t("settings.tariff.remove"), { kind: "danger", onclick: remove }),
      ),
    ],
    save,
    { class: "form card vehicle-form" },
  );
}

/** A number as typed, with a comma or a point; what is none stays text, which evd refuses with its reason. */
function amount(given) {
  const text = given.control.value.trim().replace(",", ".");
  if (text === "") return null;
  return Number.isNaN(Number(text)) ? text : Number(text);
}
