// Why pushes failed, the commonest reason first.

import { number, t, tn } from "../texts.js";
import { h, panel } from "../ui.js";

const SHOWN = 8;

/** A panel of reasons out of GET /pushes; nothing where no push failed. */
export function failures(how) {
  const counts = new Map();
  const failed = [...how.finished.filter((row) => row.state !== "taken"), ...how.waiting.filter((row) => row.attempts > 0)];
  for (const row of failed) {
    const reason = row.said || t("pushes.reason.unknown");
    counts.set(reason, (counts.get(reason) || 0) + 1);
  }
  if (!counts.size) return h("div", {});
  const rows = [...counts].sort((one, other) => other[1] - one[1]).slice(0, SHOWN);
  const most = rows[0][1];
  const items = rows.map(([reason, count]) =>
    h(
      "li",
      { class: "reason" },
      h("span", { class: "reason-text" }, reason),
      h("b", { class: "number" }, number(count)),
      h("span", { class: "reason-bar", "aria-hidden": "true" }, h("span", { style: { "--share": `${(100 * count) / most}%` } })),
    ),
  );
  const of = h("small", {}, tn("pushes.reasons.of", how.finished.length + how.waiting.length));
  return panel(t("pushes.reasons"), h("ul", { class: "reasons" }, items), { aside: of });
}
