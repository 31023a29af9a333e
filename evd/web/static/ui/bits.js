// A payload with its bits laid out: eight a byte, each field with its own tone and number, which the list below repeats.

import { h } from "./h.js";

const TONES = 6;

/**
 * `payload`: hex digits; `fields`: [{name, start, bits, unit}]; `value(field)` gives what stands beside its name. Bits of
 * no field have no tone. Of fields that share bits the first one has them.
 */
export function bitTable(payload, fields, { label, value }) {
  const bits = [...payload].map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, "0")).join("");
  const owner = new Array(bits.length).fill(-1);
  fields.forEach((field, number) => {
    for (let at = field.start; at < Math.min(field.start + field.bits, bits.length); at += 1) if (owner[at] < 0) owner[at] = number;
  });
  const element = h("div", { class: "bits" });
  const mark = (number) => {
    for (const one of element.querySelectorAll("[data-field]")) one.classList.toggle("is-marked", one.dataset.field === String(number));
  };
  const bytes = Array.from({ length: bits.length / 8 }, (_, at) => byte(payload, bits, owner, at));
  const rows = fields.map((field, number) =>
    h(
      "li",
      { dataset: { field: number }, onmouseenter: () => mark(number), onmouseleave: () => mark(-1) },
      h("span", { class: `bit-key bit-tone-${number % TONES}` }, number + 1),
      h("span", { class: "mono" }, field.name),
      h("span", { class: "muted mono" }, place(field)),
      h("b", { class: "number" }, value(field)),
    ),
  );
  element.append(
    h("div", { class: "bit-bytes", role: "img", "aria-label": label }, bytes),
    h("ol", { class: "bit-fields" }, rows),
  );
  return element;
}

function byte(payload, bits, owner, at) {
  const parts = [];
  for (let first = 8 * at; first < 8 * at + 8; ) {
    let end = first + 1;
    while (end < 8 * at + 8 && owner[end] === owner[first]) end += 1;
    const number = owner[first];
    parts.push(
      h(
        "span",
        {
          class: number < 0 ? "bit-part" : `bit-part bit-tone-${number % TONES}`,
          style: { "--bits": end - first },
          dataset: number < 0 ? {} : { field: number },
        },
        h("span", { class: "bit-number" }, number < 0 ? "" : number + 1),
        h("span", {}, bits.slice(first, end)),
      ),
    );
    first = end;
  }
  return h(
    "div",
    { class: "bit-byte" },
    h("span", { class: "bit-hex mono" }, payload.slice(2 * at, 2 * at + 2)),
    h("div", { class: "bit-parts mono" }, parts),
  );
}

/** As bytes 0.7–1.6: byte and bit, the most significant one is 7. */
function place({ start, bits }) {
  const at = (bit) => `${Math.floor(bit / 8)}.${7 - (bit % 8)}`;
  return bits === 1 ? at(start) : `${at(start)}–${at(start + bits - 1)}`;
}
