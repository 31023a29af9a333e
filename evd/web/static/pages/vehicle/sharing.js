// Who sees a vehicle, and links by which somebody else comes to see it; a link is shown once.

import { del, page, post } from "../../api.js";
import { t } from "../../texts.js";
import { badge, button, confirmed, empty, field, form, h, latest, select, table, toast, when } from "../../ui.js";
import { secret } from "../../ui/secret.js";

const EXPIRES = [
  [3600, t("downlinks.expires.hour")],
  [86400, t("vehicle.span.day")],
  [604800, t("vehicle.span.week")],
  [2592000, t("vehicle.span.month")],
];
const RELATIONS = { viewer: t("sharing.viewer"), owner: t("sharing.owner") };

export async function sharing(path, { signal }) {
  const people = h("div", {});
  const links = h("div", {});
  const ask = () => Promise.all([page(`${path}/owners`, {}, signal), page(`${path}/invitations`, {}, signal)]);
  const load = latest(ask, ([owners, invitations]) => {
    people.replaceChildren(owners.rows.length ? peopleTable(path, owners.rows, load) : empty({ icon: "user", title: t("sharing.nobody"), text: t("sharing.nobody.next") }));
    links.replaceChildren(invitations.rows.length ? linkTable(path, invitations.rows, load) : h("p", { class: "muted" }, t("sharing.links.none")));
  });
  const element = h(
    "div",
    { class: "vehicle-columns" },
    inviting(path, load),
    h("div", { class: "vehicle-list" }, h("h2", {}, t("sharing.people")), people, h("h2", {}, t("sharing.links")), links),
  );
  element.refresh = load;
  await load();
  return element;
}

function inviting(path, made) {
  const shown = h("div", {});
  const send = async (given) => {
    const { code } = await post(`${path}/invitations`, { relation: given.relation, expires_s: Number(given.expires) });
    const link = `${location.origin}${location.pathname}#/invited?code=${encodeURIComponent(code)}`;
    shown.replaceChildren(secret(link, t("sharing.made")));
    await made();
  };
  return form(
    [
      h("h2", {}, t("sharing.new")),
      h("p", { class: "muted" }, t("sharing.why")),
      field(t("sharing.as"), { control: select(Object.entries(RELATIONS), "viewer", { name: "relation" }) }),
      field(t("downlinks.expires"), { control: select(EXPIRES, 86400, { name: "expires" }) }),
      h("div", {}, button(t("sharing.make"), { kind: "main", icon: "share", type: "submit" })),
      shown,
    ],
    send,
    { class: "form card vehicle-form" },
  );
}

function peopleTable(path, rows, changed) {
  const remove = async ({ uid }) => {
    if (!(await confirmed(t("sharing.remove.sure", { uid }), t("sharing.remove.text", { uid }), t("sharing.remove")))) return;
    await del(`${path}/owners/${encodeURIComponent(uid)}`);
    toast(t("sharing.removed", { uid }));
    await changed();
  };
  const columns = [
    { title: t("app.user"), cell: (row) => row.uid },
    { title: t("sharing.as"), cell: (row) => badge(RELATIONS[row.relation] ?? row.relation, { icon: "user" }) },
    { title: t("sharing.since"), cell: (row) => when(row.created, null, { label: t("sharing.since") }) },
    { title: "", cell: (row) => button(t("sharing.remove"), { kind: "danger", onclick: () => remove(row) }) },
  ];
  return table(columns, rows, { caption: t("sharing.people"), compact: true });
}

function linkTable(path, rows, changed) {
  const revoke = async ({ id }) => {
    if (!(await confirmed(t("sharing.revoke.sure"), t("sharing.revoke.text"), t("sharing.revoke")))) return;
    await del(`${path}/invitations/${encodeURIComponent(id)}`);
    toast(t("sharing.revoked"));
    await changed();
  };
  const columns = [
    { title: t("sharing.link"), class: "mono", cell: (row) => row.id },
    { title: t("sharing.as"), cell: (row) => RELATIONS[row.relation] ?? row.relation },
    { title: t("downlinks.expires"), cell: (row) => when(row.expires, null, { label: t("downlinks.expires") }) },
    { title: "", cell: (row) => button(t("sharing.revoke"), { kind: "danger", onclick: () => revoke(row) }) },
  ];
  return table(columns, rows, { caption: t("sharing.links"), compact: true });
}
