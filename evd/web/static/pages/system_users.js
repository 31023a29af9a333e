// Local users: make one, make a link that signs one in, remove one.

import { del, page, post, who } from "../api.js";
import { t } from "../texts.js";
import { badge, button, confirmed, dialog, empty, field, form, h, panel, table, toast, when } from "../ui.js";
import { secret } from "../ui/secret.js";

export async function show(place, signal, head) {
  head.said("");
  const load = async () => {
    const { rows } = await page("/users", {}, signal);
    const list = rows.length ? table(columns(load, signal), rows, { caption: t("system.users"), compact: true }) : empty({ icon: "user", title: t("users.none") });
    const make = button(t("users.new"), { kind: "main", icon: "plus", onclick: () => newUser(load, signal) });
    place.replaceChildren(panel(t("system.users"), list, { aside: make }));
  };
  await load();
}

function columns(load, signal) {
  return [
    { title: t("users.uid"), cell: (row) => h("b", {}, row.uid) },
    {
      title: t("users.role"),
      cell: (row) => (row.admin ? badge(t("app.administrator"), { tone: "info", icon: "gear" }) : badge(t("app.user"), { icon: "user" })),
    },
    { title: t("users.created"), cell: (row) => when(row.created, null, { label: t("users.created") }) },
    { title: "", class: "cell-action", cell: (row) => actions(row, load, signal) },
  ];
}

function actions(row, load, signal) {
  const path = `/users/${encodeURIComponent(row.uid)}`;
  const link = async () => {
    const made = await post(`${path}/link`, {}, { signal });
    const address = `${location.origin}/#/signin?code=${made.code}`;
    dialog(t("users.link"), secret(address, t("users.link.lead", { uid: row.uid })));
  };
  const remove = async () => {
    if (!(await confirmed(t("users.remove.sure", { uid: row.uid }), t("users.remove.text"), t("users.remove")))) return;
    await del(path, { signal });
    await load();
  };
  return h(
    "div",
    { class: "page-actions" },
    button(t("users.link"), { icon: "share", onclick: link }),
    row.uid !== who()?.uid && button(t("users.remove"), { kind: "danger", onclick: remove }),
  );
}

function newUser(load, signal) {
  const uid = field(t("users.uid"), { name: "uid", required: true, autocapitalize: "none", autocomplete: "off" });
  const password = field(t("users.password"), { name: "password", type: "password", hint: t("users.password.hint"), autocomplete: "new-password" });
  const admin = h("label", { class: "check" }, h("input", { type: "checkbox", name: "admin" }), h("span", {}, t("users.admin")));
  const send = async (given) => {
    await post("/users", { uid: given.uid.trim(), password: given.password, admin: given.admin === "on" }, { signal });
    opened.close();
    toast(t("users.made", { uid: given.uid.trim() }));
    await load();
  };
  const opened = dialog(t("users.new"), form([uid, password, admin, button(t("users.create"), { kind: "main", type: "submit" })], send));
  uid.control.focus();
}
