// A vehicle's downlinks, and a form that queues one: by the fields of a format, or as hex digits.

import { del, get, page, post } from "../../api.js";
import { t } from "../../texts.js";
import { badge, button, empty, field, form, h, latest, segments, select, table, toast, when } from "../../ui.js";

const ROWS = 50;
const BYTES = 8;
const EXPIRES = [
  [3600, t("downlinks.expires.hour")],
  [21600, t("downlinks.expires.six")],
  [86400, t("vehicle.span.day")],
  [604800, t("vehicle.span.week")],
];
const OWN = "";
const TONES = {
  queued: "info",
  offered: "info",
  acknowledged: "good",
  failed: "bad",
  expired: "warn",
  cancelled: "quiet",
};

const STATES = {
  queued: t("downlinks.state.queued"),
  offered: t("downlinks.state.offered"),
  acknowledged: t("downlinks.state.acknowledged"),
  failed: t("downlinks.state.failed"),
  expired: t("downlinks.state.expired"),
  cancelled: t("downlinks.state.cancelled"),
};

export async function downlinks(path, { signal }) {
  const place = h("div", {});
  const formats = await get("/formats", {}, signal);
  const load = latest(() => page(`${path}/downlinks`, { limit: ROWS }, signal), ({ rows }) => {
    place.replaceChildren(
      rows.length ? listed(rows, load) : empty({ icon: "down", title: t("downlinks.none"), text: t("downlinks.none.next") }),
    );
  });
  const element = h("div", { class: "vehicle-list" }, asking(path, formats, load), place);
  element.refresh = load;
  await load();
  return element;
}

function asking(path, formats, sent) {
  const payload = field(t("downlinks.payload"), { hint: t("downlinks.payload.hint"), class: "input mono", maxlength: 16 });
  const grammar = field(t("downlinks.grammar"), { class: "input mono", placeholder: "target::uint:8 heat::bool:0" });
  const values = h("div", { class: "field-row" });
  const fitting = formats.filter((one) => fieldsOf(one.grammar).length && bytesOf(one.grammar) <= BYTES);
  const options = [...fitting.map((one) => [one.name, one.name]), [OWN, t("downlinks.own")]];
  const which = select(options, options[0][0], { onchange: () => draw() });
  const lasts = select(EXPIRES, 86400);
  const byFormat = h("div", { class: "form" }, field(t("downlinks.format"), { control: which }), grammar, values);
  let way = "format";

  function draw() {
    byFormat.hidden = way !== "format";
    payload.hidden = way !== "hex";
    grammar.hidden = which.value !== OWN;
    const text = which.value === OWN ? grammar.control.value : fitting.find((one) => one.name === which.value).grammar;
    const known = new Map([...values.children].map((one) => [one.dataset.name, one]));
    values.replaceChildren(
      ...fieldsOf(text).map(([name, type]) => {
        const before = known.get(name);
        if (before?.dataset.type === type) return before;
        const numeric = ["uint", "int", "float"].includes(type);
        const one = field(`${name} (${type})`, { inputmode: numeric ? "decimal" : null, type: type === "bool" ? "checkbox" : "text", class: type === "bool" ? "" : "input" });
        Object.assign(one.dataset, { name, type });
        return one;
      }),
    );
  }

  grammar.control.addEventListener("input", draw);
  const ways = [
    ["format", t("downlinks.by.format")],
    ["hex", t("downlinks.by.hex")],
  ];
  const send = async () => {
    const wish = { expires_s: Number(lasts.value) };
    if (way === "hex") wish.payload = payload.control.value.trim();
    else Object.assign(wish, { format: which.value || grammar.control.value.trim(), fields: said(values) });
    const made = await post(`${path}/downlinks`, wish);
    toast(t("downlinks.queued", { payload: made.payload }));
    await sent();
  };
  const element = form(
    [
      segments(t("downlinks.way"), ways, way, (chosen) => ((way = chosen), draw())),
      byFormat,
      payload,
      field(t("downlinks.expires"), { control: lasts }),
      h("div", {}, button(t("downlinks.send"), { kind: "main", icon: "send", type: "submit" })),
    ],
    send,
    { class: "form card vehicle-form" },
  );
  draw();
  return element;
}

/** [name, type] of each field of a grammar, as the reader has typed it so far. */
function fieldsOf(grammar) {
  const parts = grammar.trim().split(/\s+/).map((one) => one.split(":"));
  return parts.filter((one) => one.length >= 4 && one[0]).map((one) => [one[0], one[2]]);
}

/** At least so many bytes: the greatest written index; evd checks it exactly. */
function bytesOf(grammar) {
  return Math.max(0, ...grammar.trim().split(/\s+/).map((one) => Number(one.split(":")[1] || 0) + 1));
}

function said(values) {
  const wished = {};
  for (const one of values.children) {
    const { name, type } = one.dataset;
    const { value, checked } = one.control;
    if (type === "bool") wished[name] = checked;
    else if (value.trim() !== "") wished[name] = Number.isNaN(Number(value)) ? value : Number(value);
  }
  return wished;
}

function listed(rows, changed) {
  const cancel = (row) =>
    row.state === "queued" &&
    button(t("app.cancel"), { onclick: async () => (await del(`/downlinks/${row.number}`), toast(t("downlinks.cancelled")), changed()) });
  const columns = [
    { title: t("downlinks.created"), cell: (row) => when(row.created, null, { label: t("downlinks.created") }) },
    { title: t("downlinks.payload"), class: "mono", cell: (row) => row.payload },
    { title: t("vehicle.state"), cell: (row) => badge(STATES[row.state] ?? row.state, { tone: TONES[row.state] ?? "quiet" }) },
    { title: t("downlinks.info"), cell: (row) => row.info || "–" },
    { title: t("downlinks.expires"), cell: (row) => when(row.expires, null, { label: t("downlinks.expires") }) },
    { title: "", cell: (row) => cancel(row) || "" },
  ];
  return table(columns, rows, { caption: t("vehicle.downlinks"), compact: true });
}
