// The bits of a payload as a table: a row a byte, bit 7 first, each field in its colour with its name. Its style is
// ui/bits.css. Fields are as evd lays a format out: {name, first_bit, last_bit}, bits counted from the left from 0.

import { t } from "../texts.js";
import { h } from "./h.js";

const COLOURS = 8; // as many as bits.css has
const NAMED_BITS = 3; // a narrower run has no room for a name

/** A field's name in its colour, which goes by its place in the format. */
export function fieldName(name, place) {
  return h("span", { class: `bits-field ${colourOf(place)}`, title: name }, name);
}

/** Where a field is, as byte.bit – byte.bit; bit 7 is the most significant. */
export function fieldPlace({ first_bit: first, last_bit: last }) {
  const at = (bit) => `${Math.floor(bit / 8)}.${7 - (bit % 8)}`;
  return first === last ? at(first) : `${at(first)} – ${at(last)}`;
}

function colourOf(place) {
  return `bits-colour bits-colour-${place % COLOURS}`;
}

/** Bytes of a hex text; null if it is none. Blanks between the digits count for nothing. */
export function bytesOf(hex) {
  const digits = hex.replace(/\s+/g, "");
  if (digits.length % 2 || /[^0-9a-f]/i.test(digits)) return null;
  return (digits.match(/../g) || []).map((pair) => parseInt(pair, 16));
}

/** A row for each of `length` bytes; `bytes` of a payload, or null for names only. */
export function bitTable(fields, length, bytes = null) {
  const owners = new Array(8 * length).fill(null);
  fields.forEach((field, place) => {
    for (let bit = field.first_bit; bit <= field.last_bit && bit < owners.length; bit += 1) {
      owners[bit] = owners[bit] === null ? place : -1;
    }
  });
  const rows = Array.from({ length }, (_, byte) => byteRow(byte, owners, fields, bytes));
  return h(
    "table",
    { class: "bits" },
    h("caption", { class: "unseen" }, t("bits.caption")),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("bits.byte")), [7, 6, 5, 4, 3, 2, 1, 0].map((bit) => h("th", { scope: "col" }, bit)))),
    h("tbody", {}, rows),
  );
}

function byteRow(byte, owners, fields, bytes) {
  const cells = [];
  let bit = 0;
  while (bit < 8) {
    const owner = owners[8 * byte + bit];
    let end = bit + 1;
    while (end < 8 && owners[8 * byte + end] === owner) end += 1;
    cells.push(run(owner, end - bit, fields, digits(bytes, byte, bit, end)));
    bit = end;
  }
  const value = bytes && byte < bytes.length ? bytes[byte].toString(16).padStart(2, "0") : null;
  return h("tr", {}, h("th", { scope: "row", class: "number" }, byte, value !== null && h("code", {}, value)), cells);
}

function run(owner, width, fields, shown) {
  const name = owner === null ? "" : owner === -1 ? t("bits.shared") : fields[owner].name;
  const looks = owner === null ? "bits-free" : owner === -1 ? "bits-shared" : colourOf(owner);
  return h(
    "td",
    { colspan: width, class: looks, title: name || t("bits.free") },
    h("span", { class: width >= NAMED_BITS ? "bits-name" : "unseen" }, name || t("bits.free")),
    shown && h("span", { class: "bits-digits mono", "aria-hidden": "true" }, shown),
  );
}

/** The bits from `start` to `end` of a byte as a text of 0 and 1; empty where the payload has no such byte. */
function digits(bytes, byte, start, end) {
  if (!bytes || byte >= bytes.length) return "";
  return bytes[byte].toString(2).padStart(8, "0").slice(start, end);
}
