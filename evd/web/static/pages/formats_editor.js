// The editor: what is typed is checked by evd at once, its bits are drawn, and a pasted payload is decoded.

import { ApiError, del, post } from "../api.js";
import { number, t, tn } from "../texts.js";
import { badge, button, confirmed, field, form, h, icon, notice, panel, table, toast } from "../ui.js";
import { bitTable, bytesOf, fieldName, fieldPlace } from "../ui/bits.js";

const TYPING_MS = 150;
const EXAMPLE = '{"temp": {"scale": 0.1, "unit": "°C"}}';
const SHOWN_BYTES = 64; // what evd decodes of a payload

/** `saved(name)`, `removed()` and `copy()` say what the reader did. */
export function editor(format, { saved, removed, copy, signal }) {
  const fresh = format.name === "";
  const fixed = format.origin !== "database";
  const name = field(t("formats.name"), { name: "name", value: format.name, readonly: !fresh, hint: fresh ? t("formats.name.hint") : null, autocapitalize: "none", spellcheck: "false" });
  const grammar = field(t("formats.grammar"), { control: area("grammar", format.grammar, 4, fixed), hint: t("formats.grammar.hint") });
  const some = Object.keys(format.fields).length > 0;
  const options = field(t("formats.options"), {
    control: area("fields", some ? JSON.stringify(format.fields, null, 1) : "", some ? 5 : 2, fixed),
    hint: t("formats.options.hint", { example: EXAMPLE }),
  });
  const payload = field(t("formats.payload"), { hint: t("formats.payload.hint"), autocapitalize: "none", spellcheck: "false", placeholder: "2a 01 5e" });
  const wrong = h("div", { class: "formats-wrong", role: "alert", hidden: true });
  const drawn = h("div", { class: "formats-drawn", "aria-live": "polite" });
  const save = button(t("formats.save"), { kind: "main", type: "submit" });
  let turn = 0;

  const check = async () => {
    const mine = (turn += 1);
    const fields = optionsIn(options.control.value);
    options.error(fields === null ? t("formats.options.wrong") : "");
    const bytes = bytesOf(payload.control.value);
    payload.error(bytes === null ? t("formats.payload.wrong") : "");
    if (fields === null) return;
    if (!grammar.control.value.trim()) {
      wrong.hidden = true;
      drawn.replaceChildren(h("p", { class: "muted" }, t("formats.none")));
      return;
    }
    const hex = bytes && bytes.length ? payload.control.value.replace(/\s+/g, "") : null;
    const asked = { grammar: grammar.control.value, fields, payloads: hex ? [hex] : [] };
    let found;
    try {
      found = await post("/formats/check", asked, { signal });
    } catch (error) {
      if (error instanceof ApiError && mine === turn) refuse(error.message, null);
      return;
    }
    if (mine !== turn) return; // something else was typed meanwhile
    if (found.error) refuse(found.error.sentence, found.error.position);
    else accept(found, bytes);
  };

  function refuse(sentence, position) {
    wrong.replaceChildren(icon("alert"), h("div", {}, h("p", {}, sentence), position !== null && around(grammar.control.value, position)));
    wrong.hidden = false;
    grammar.control.setAttribute("aria-invalid", "true");
    drawn.classList.add("is-old");
    save.disabled = true;
  }

  function accept({ layout, decoded }, bytes) {
    wrong.hidden = true;
    grammar.control.removeAttribute("aria-invalid");
    drawn.classList.remove("is-old");
    save.disabled = false;
    const length = Math.min(layout.bytes, SHOWN_BYTES);
    drawn.replaceChildren(
      ...(layout.warnings || []).map((text) => notice(text, { tone: "warn" })),
      ...decoded.filter((one) => one.error).map((one) => notice(one.error, { tone: "bad" })),
      h("div", { class: "formats-bits-head" }, h("h3", {}, t("formats.bits")), h("small", { class: "number" }, tn("formats.bits.bytes", layout.bytes))),
      bitTable(layout.fields, length, bytes && bytes.length ? bytes : null),
      fieldTable(layout, decoded[0]),
    );
  }

  const send = async (given) => {
    const made = given.name.trim();
    await post("/formats", { name: made, grammar: given.grammar, fields: optionsIn(given.fields) ?? {} }, { signal });
    toast(t("formats.saved", { name: made }));
    await saved(made);
  };
  const remove = async () => {
    if (!(await confirmed(t("formats.remove.sure", { name: format.name }), t("formats.remove.text"), t("formats.remove")))) return;
    await del(`/formats/${encodeURIComponent(format.name)}`, { signal });
    await removed();
  };

  let typing;
  for (const one of [grammar, options, payload]) {
    one.control.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(check, TYPING_MS);
    });
  }
  const used = format.vehicles.length > 0 || format.device_types.length > 0;
  const actions = h(
    "div",
    { class: "page-actions formats-actions" },
    !fixed && save,
    !fresh && button(t("formats.copy"), { icon: "copy", onclick: copy }),
    !fresh && !fixed && !used && button(t("formats.remove"), { kind: "danger", icon: "trash", onclick: remove }),
  );
  const written = form([fixed && notice(t("formats.fixed")), name, grammar, wrong, options, actions], send);
  check();
  return panel(
    fresh ? t("formats.new") : format.name,
    h("div", { class: "formats-editor" }, written, h("div", { class: "formats-right" }, payload, drawn)),
  );
}

function area(name, value, rows, fixed) {
  const control = h("textarea", { class: "input mono", name, rows, spellcheck: "false", autocapitalize: "none", readonly: fixed });
  control.value = value;
  return control;
}

/** The options by field; null if the text is no JSON object of objects. */
function optionsIn(text) {
  if (!text.trim()) return {};
  try {
    const found = JSON.parse(text);
    const good = found && typeof found === "object" && !Array.isArray(found);
    return good && Object.values(found).every((one) => one && typeof one === "object") ? found : null;
  } catch {
    return null;
  }
}

/** The part of the text around a fault, which is marked up to the next blank or colon. */
function around(text, position) {
  const letters = Array.from(text);
  let end = position;
  while (end < letters.length && !/[\s:]/.test(letters[end])) end += 1;
  const part = (from, to) => letters.slice(Math.max(0, from), to).join("");
  return h("code", { class: "mono" }, part(position - 30, position), h("mark", {}, part(position, Math.max(end, position + 1)) || "␣"), part(Math.max(end, position + 1), end + 30));
}

function fieldTable(layout, decoded) {
  const rows = layout.fields.map((one, place) => ({ ...one, place }));
  const columns = [
    { title: t("bits.field"), cell: (row) => fieldName(row.name, row.place) },
    { title: t("formats.field.type"), cell: (row) => kind(row) },
    { title: t("bits.place"), class: "number formats-place", cell: fieldPlace },
  ];
  if (decoded?.fields) columns.push({ title: t("bits.value"), class: "number formats-value", cell: (row) => value(row, decoded) });
  return table(columns, rows, { caption: t("formats.fields"), compact: true });
}

function kind(row) {
  const options = Object.entries(row.options || {}).map(([name, given]) => `${name} ${typeof given === "object" ? JSON.stringify(given) : given}`);
  const little = row.endianness === "little-endian" && t("formats.field.little");
  return [h("code", {}, `${row.type}:${row.bits}`), h("small", {}, " ", [little, ...options].filter(Boolean).join(", "))];
}

function value(row, decoded) {
  const found = decoded.fields[row.name];
  const unit = row.options?.unit ? ` ${row.options.unit}` : "";
  const shown = found === null || found === undefined ? "null" : typeof found === "number" ? `${number(found, 6)}${unit}` : String(found);
  if (!decoded.implausible.includes(row.name)) return h("b", {}, shown);
  return [h("b", {}, shown), " ", badge(t("formats.field.implausible"), { tone: "warn", icon: "alert" })];
}
