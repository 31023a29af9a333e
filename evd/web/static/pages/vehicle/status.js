// One status, opened: the bits of its payload, and its way from the vehicle to the phones.

import { get, unlessAbsent, who } from "../../api.js";
import { number, t } from "../../texts.js";
import { dialog, exact, h, icon, skeleton, style, table } from "../../ui.js";
import { bitTable, bytesOf, fieldName, fieldPlace } from "../../ui/bits.js";

/** Icon and tone of what became of a push. */
const FATES = {
  taken: ["check", "good"],
  waiting: ["clock", "info"],
  "given up": ["alert", "bad"],
  never: ["ban", "quiet"],
  replaced: ["refresh", "quiet"],
};

export function openStatus(path, row, signal) {
  const bits = h("div", {}, skeleton("row", 2));
  const way = h("ol", { class: "way" });
  const body = [h("h3", {}, t("vehicle.way")), way, h("h3", {}, t("vehicle.bits")), bits];
  dialog(`${t("vehicle.status")} · ${exact(row.time_ms)}`, body, { wide: true });
  laidOut(path, row, signal).then((element) => bits.replaceChildren(element));
  wayOf(row, signal).then((steps) => way.replaceChildren(...steps));
}

async function laidOut(path, row, signal) {
  if (!row.rawdata) return h("p", { class: "muted" }, t("vehicle.bits.none"));
  const asked = unlessAbsent(get(`${path}/statuses/${encodeURIComponent(row.id)}/layout`, {}, signal));
  const [found] = await Promise.all([asked, style("ui/bits.css")]);
  if (!found) return h("p", { class: "muted" }, t("vehicle.bits.hidden"));
  const value = ({ name, options }) => {
    const given = found.values[name];
    if (given === null || given === undefined) return "–";
    return typeof given === "number" ? `${number(given, 2)} ${options?.unit ?? ""}` : String(given);
  };
  const columns = [
    { title: t("bits.field"), cell: (field) => fieldName(field.name, found.fields.indexOf(field)) },
    { title: t("bits.place"), class: "number", cell: fieldPlace },
    { title: t("bits.value"), class: "number", cell: (field) => h("b", {}, value(field)) },
  ];
  const bytes = bytesOf(found.payload);
  return h(
    "div",
    {},
    h("p", { class: "muted" }, t("vehicle.bits.by", { format: found.format })),
    h("div", { class: "bits-beside" }, bitTable(found.fields, bytes.length, bytes), table(columns, found.fields, { caption: t("vehicle.bits"), compact: true })),
  );
}

async function wayOf(row, signal) {
  const steps = [step("car", "info", t("time.measured"), row.time_ms, null)];
  const received = row.received_ms;
  if (received) steps.push(step("signal", "info", t("time.received"), received, received - row.time_ms));
  if (!who()?.admin) return steps;
  const traced = await unlessAbsent(get(`/pushes/trace/${encodeURIComponent(row.id)}`, { vehicle: row.vehicle }, signal));
  if (!traced) return steps;
  if (traced.committed) steps.push(step("database", "good", t("vehicle.way.committed"), traced.committed, received ? traced.committed - received : null));
  for (const push of traced.pushes) {
    const [shape, tone] = FATES[push.state] ?? ["question", "quiet"];
    const title = t("vehicle.way.phone", { phone: push.phone });
    steps.push(step(shape, tone, title, push.answered, push.after_ms ?? null, push.state === "taken" ? t("vehicle.way.taken") : push.said || push.state));
  }
  if (!traced.pushes.length) steps.push(step("phone", "quiet", t("vehicle.way.nobody"), null, null));
  return steps;
}

function step(shape, tone, title, ms, after, said = "") {
  return h(
    "li",
    { class: "way-step" },
    h("span", { class: `way-icon tone-${tone}` }, icon(shape)),
    h("span", {}, h("b", {}, title), said && h("small", { class: "way-said" }, said)),
    h("span", { class: "number muted" }, ms ? exact(ms) : "", after !== null && after >= 0 ? ` · +${lasted(after)}` : ""),
  );
}

function lasted(ms) {
  return ms < 10000 ? `${number(ms)} ms` : `${number(ms / 1000)} s`;
}
