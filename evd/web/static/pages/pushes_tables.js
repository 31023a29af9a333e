// The tables of the page of pushes: what waits, what was sent, the phones. Each asks one path.

import { quantity, t } from "../texts.js";
import { badge, h, table, when } from "../ui.js";

const WHATS = { state: t("pushes.what.state"), event: t("pushes.what.event") };

const vehicle = {
  title: t("pushes.vehicle"),
  cell: (row) => h("a", { class: "mono", href: `#/vehicles/${encodeURIComponent(row.vehicle)}` }, row.vehicle),
};
const what = { title: t("pushes.what"), cell: (row) => WHATS[row.what] || row.what };
const phone = { title: t("pushes.phone"), class: "mono", cell: (row) => row.phone ?? row.target };
const said = { title: t("pushes.said"), class: "pushes-said is-wide", cell: answer };
const at = (title, name) => ({ title, cell: (row) => (row[name] ? when(row[name], null, { label: title }) : "–") });

/** Name → its path with a query, its rows in the answer, its table, and what stands in place of no rows. */
export const TABLES = {
  finished: {
    title: t("pushes.finished"),
    path: "/pushes",
    rows: (answer) => answer.finished,
    table: (rows) =>
      table([vehicle, what, phone, { title: t("pushes.result"), cell: result }, at(t("pushes.sent"), "sent"), took, said], rows, {
        caption: t("pushes.finished"),
        compact: true,
      }),
    none: { icon: "send", title: t("pushes.none.finished"), text: t("pushes.none.finished.text") },
  },
  waiting: {
    title: t("pushes.waiting"),
    path: "/pushes",
    query: { waiting: 1 },
    rows: (answer) => answer.waiting,
    table: (rows) =>
      table([vehicle, what, phone, at(t("pushes.since"), "since"), attempts, due, said], rows, { caption: t("pushes.waiting"), compact: true }),
    none: { icon: "check", title: t("pushes.none.waiting"), text: t("pushes.none.waiting.text") },
  },
  phones: {
    title: t("pushes.phones"),
    path: "/registrations",
    rows: (answer) => answer,
    table: (rows) =>
      table(
        [
          vehicle,
          phone,
          { title: t("pushes.user"), cell: (row) => row.uid },
          { title: t("pushes.kind"), cell: (row) => row.kind },
          at(t("pushes.renewed"), "renewed"),
          at(t("pushes.pushed"), "pushed"),
        ],
        rows,
        { caption: t("pushes.phones"), compact: true },
      ),
    none: { icon: "phone", title: t("pushes.none.phones"), text: t("pushes.none.phones.text") },
  },
};

/** A message id is of use to a provider's support only: it stands in one line. */
function answer(row) {
  if (row.state === "taken") return h("span", { class: "pushes-id mono", title: row.said }, row.said.split("/").at(-1));
  return row.said || "–";
}

function result(row) {
  if (row.state === "taken") return badge(t("pushes.result.taken"), { tone: "good", icon: "check" });
  return badge(t("pushes.result.gave_up"), { tone: "bad", icon: "ban" });
}

const attempts = { title: t("pushes.attempts"), class: "number", cell: (row) => row.attempts };
const due = {
  title: t("pushes.due"),
  cell: (row) => (row.due ? when(row.due, null, { label: t("pushes.due") }) : t("pushes.due.now")),
};
const took = {
  title: t("pushes.took"),
  class: "number",
  cell: (row) => (row.sent && row.answered ? quantity(row.answered - row.sent, "ms") : "–"),
};
