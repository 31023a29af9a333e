// Decode kept statuses again: first the difference, then the change. evd does both in steps.

import { post } from "../api.js";
import { t, tn } from "../texts.js";
import { button, exact, field, form, h, notice, panel, select, table, toast } from "../ui.js";

const DAY_MS = 86400000;
const SPANS = { day: DAY_MS, week: 7 * DAY_MS, month: 30 * DAY_MS, all: null };
const NAMED_MAX = 100; // vehicles that a request may name
const EXAMPLES_MAX = 20;

export function redecodePanel(format, signal) {
  const known = format.device_types.length === 0 && format.vehicles.length <= NAMED_MAX ? format.vehicles.join(" ") : "";
  const vehicles = field(t("formats.redecode.vehicles"), { name: "vehicles", value: known, hint: t("formats.redecode.vehicles.hint"), autocapitalize: "none" });
  const spans = [
    ["day", t("formats.redecode.day")],
    ["week", t("formats.redecode.week")],
    ["month", t("formats.redecode.month")],
    ["all", t("formats.redecode.all")],
  ];
  const since = field(t("formats.redecode.since"), { control: select(spans, "week", { name: "since" }) });
  const result = h("div", { class: "formats-difference", role: "status" });

  const send = async (given) => {
    const named = given.vehicles.trim().split(/[\s,]+/).filter(Boolean);
    const span = SPANS[given.since];
    const wish = { since: span === null ? 0 : Date.now() - span, ...(named.length && { vehicles: named }) };
    const seen = (read) => result.replaceChildren(h("p", { class: "muted" }, tn("formats.redecode.reading", read)));
    const found = await walked("/redecode/preview", wish, seen, signal);
    show(found, async () => {
      const done = await walked("/redecode", wish, seen, signal);
      result.replaceChildren();
      toast(tn("formats.redecode.done", done.written));
    });
  };

  function show(found, apply) {
    if (!found.changed) {
      result.replaceChildren(notice(t("formats.redecode.same"), { tone: "good", icon: "check" }));
      return;
    }
    const columns = [
      { title: t("formats.assign.vehicle"), class: "mono", cell: (row) => row.vehicle },
      { title: t("formats.redecode.time"), cell: (row) => exact(row.time) },
      { title: t("bits.field"), class: "mono", cell: (row) => row.field },
      { title: t("formats.redecode.before"), class: "number", cell: (row) => JSON.stringify(row.old) },
      { title: t("formats.redecode.after"), class: "number", cell: (row) => h("b", {}, JSON.stringify(row.new)) },
    ];
    result.replaceChildren(
      h(
        "div",
        { class: "formats-difference-head" },
        h("b", {}, tn("formats.redecode.changes", found.changed)),
        h("span", { class: "chips" }, Object.entries(found.fields).map(([name, count]) => h("span", { class: "formats-count" }, h("code", {}, name), ` × ${count}`))),
        button(t("formats.redecode.apply"), { kind: "main", onclick: apply }),
      ),
      table(columns, found.examples, { caption: t("formats.redecode.examples"), compact: true }),
    );
  }

  const asked = form([h("div", { class: "formats-line" }, vehicles, since, button(t("formats.redecode.preview"), { icon: "search", type: "submit" }))], send);
  return panel(t("formats.redecode"), [h("p", { class: "muted" }, t("formats.redecode.lead")), asked, result]);
}

/** All steps of a request, summed up; `seen(read)` is called before each. */
async function walked(path, wish, seen, signal) {
  const total = { read: 0, changed: 0, written: 0, fields: {}, examples: [] };
  let cursor = null;
  do {
    seen(total.read); // before the first step, too: nothing can be asked for twice
    const step = await post(path, { ...wish, ...(cursor && { cursor }) }, { signal });
    total.read += step.read;
    total.changed += step.changed;
    total.written += step.written || 0;
    for (const [name, count] of Object.entries(step.fields)) total.fields[name] = (total.fields[name] || 0) + count;
    total.examples = [...total.examples, ...step.examples].slice(0, EXAMPLES_MAX);
    cursor = step.next;
  } while (cursor);
  return total;
}
