// The bits of a payload as a table: a row a byte, bit 7 first, each field in its colour with its name.

import { t } from "../texts.js";
import { h } from "../ui.js";

const COLOURS = 8; // as many as formats_bits.css has
const NAMED_BITS = 3; // a narrower run has no room for a name

/** The class of a field's colour, by its place in the format. */
export function fieldColour(place) {
  return `field-colour field-${place % COLOURS}`;
}

/** Bytes of a hex text; null if it is none. Blanks between the digits count for nothing. */
export function bytesOf(hex) {
  const digits = hex.replace(/\s+/g, "");
  if (digits.length % 2 || /[^0-9a-f]/i.test(digits)) return null;
  return (digits.match(/../g) || []).map((pair) => parseInt(pair, 16));
}

/** `fields` as evd's layout has them: {name, first_bit, last_bit}; `bytes` of a payload, or null for names only. */
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
    { class: "format-bits" },
    h("caption", { class: "unseen" }, t("formats.bit.caption")),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("formats.bit.byte")), [7, 6, 5, 4, 3, 2, 1, 0].map((bit) => h("th", { scope: "col" }, bit)))),
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
  const name = owner === null ? "" : owner === -1 ? t("formats.bit.shared") : fields[owner].name;
  const looks = owner === null ? "format-bits-free" : owner === -1 ? "format-bits-shared" : fieldColour(owner);
  return h(
    "td",
    { colspan: width, class: looks, title: name || t("formats.bit.free") },
    h("span", { class: width >= NAMED_BITS ? "format-bits-name" : "unseen" }, name || t("formats.bit.free")),
    shown && h("span", { class: "format-bits-digits mono", "aria-hidden": "true" }, shown),
  );
}

/** The bits from `start` to `end` of a byte as a text of 0 and 1; empty where the payload has no such byte. */
function digits(bytes, byte, start, end) {
  if (!bytes || byte >= bytes.length) return "";
  return bytes[byte].toString(2).padStart(8, "0").slice(start, end);
}
