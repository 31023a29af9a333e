// One refused callback: why, what to do, and its body with the place of the fault marked.

import { tn, t } from "../texts.js";
import { badge, button, copyButton, facts, h, notice, when } from "../ui.js";

/** `one` as GET /rejections/NUMBER has it; `replay` and `forget` are what its buttons do. */
export function refusedDetail(one, { replay, forget }) {
  return h(
    "article",
    { class: "refused-detail card", "aria-label": one.error },
    h("div", {}, badge(one.error, { tone: "bad", icon: "ban" })),
    h("p", { class: "refused-sentence" }, one.detail || one.error),
    notice(one.advice, { tone: "info", icon: "question" }),
    h(
      "div",
      { class: "refused-actions" },
      button(t("refused.replay"), { kind: "main", icon: "refresh", onclick: replay }),
      button(t("refused.forget"), { kind: "danger", icon: "trash", onclick: forget }),
    ),
    bodyOf(one),
    facts([
      [t("refused.first"), one.number],
      [t("refused.received"), when(one.received, null, { label: t("time.received") })],
      [t("refused.repeats"), tn("refused.times", one.times)],
      [t("refused.route"), h("code", {}, one.route)],
      [t("refused.client"), one.client && h("code", {}, one.client)],
    ]),
    headersOf(one.headers),
  );
}

function bodyOf(one) {
  const text = one.body ?? one.body_hex;
  if (!text) return h("p", { class: "muted" }, t("refused.body.empty"));
  return h(
    "div",
    {},
    h(
      "div",
      { class: "refused-body-head" },
      h("h3", {}, one.body === undefined ? t("refused.body.hex") : t("refused.body")),
      one.fault && h("small", {}, t("refused.fault")),
      copyButton(() => text, { kind: "plain" }),
    ),
    h("pre", { class: "refused-body mono", tabindex: 0, "aria-label": t("refused.body") }, marked(text, one.fault)),
  );
}

/** The text with its fault in a <mark>; places count code points, as evd does. */
function marked(text, fault) {
  if (!fault) return text;
  const letters = Array.from(text);
  const part = (from, to) => letters.slice(from, to).join("");
  return [part(0, fault.start), h("mark", {}, part(fault.start, fault.end)), part(fault.end)];
}

function headersOf(headers) {
  const rows = Object.entries(headers || {}).map(([name, value]) => [h("code", {}, name), h("code", {}, value)]);
  if (!rows.length) return null;
  return h("details", { class: "refused-headers" }, h("summary", {}, t("refused.headers")), facts(rows));
}
