// Keys: make one, whose secret is shown once; revoke one.

import { del, page, post } from "../api.js";
import { t } from "../texts.js";
import { badge, button, confirmed, dialog, empty, field, form, panel, select, table, toast, when } from "../ui.js";
import { secret } from "../ui/secret.js";

const ROLES = {
  sigfox: t("keys.role.sigfox"),
  device: t("keys.role.device"),
  app: t("keys.role.app"),
  admin: t("keys.role.admin"),
};

export async function show(place, signal, head) {
  head.said("");
  const load = async () => {
    const { rows } = await page("/keys", {}, signal);
    const sorted = rows.sort((one, other) => Boolean(one.revoked) - Boolean(other.revoked) || other.created - one.created);
    const list = sorted.length ? table(columns(load, signal), sorted, { caption: t("system.keys"), compact: true }) : empty({ icon: "key", title: t("keys.none") });
    const make = button(t("keys.new"), { kind: "main", icon: "plus", onclick: () => newKey(load, signal) });
    place.replaceChildren(panel(t("system.keys"), list, { aside: make }));
  };
  await load();
}

function columns(load, signal) {
  return [
    { title: t("keys.role"), cell: (row) => row.role.split(",").map((one) => ROLES[one] || one).join(", ") },
    { title: t("keys.name"), cell: (row) => row.name || "–" },
    { title: t("keys.id"), class: "mono", cell: (row) => row.id },
    { title: t("keys.vehicle"), class: "mono", cell: (row) => row.vehicle || "–" },
    { title: t("keys.created"), cell: (row) => when(row.created, null, { label: t("keys.created") }) },
    {
      title: t("keys.state"),
      cell: (row) => (row.revoked ? badge(t("keys.revoked"), { icon: "ban" }) : badge(t("keys.valid"), { tone: "good", icon: "check" })),
    },
    { title: "", class: "cell-action", cell: (row) => (row.revoked ? "" : revokeButton(row, load, signal)) },
  ];
}

function revokeButton(row, load, signal) {
  const revoke = async () => {
    if (!(await confirmed(t("keys.revoke.sure", { id: row.id }), t("keys.revoke.text"), t("keys.revoke")))) return;
    await del(`/keys/${encodeURIComponent(row.id)}`, { signal });
    toast(t("keys.revoked"));
    await load();
  };
  return button(t("keys.revoke"), { kind: "danger", onclick: revoke });
}

function newKey(load, signal) {
  const role = field(t("keys.role"), { control: select(Object.entries(ROLES), "sigfox", { name: "role" }) });
  const vehicle = field(t("keys.vehicle"), { name: "vehicle", hint: t("keys.vehicle.hint"), autocapitalize: "none" });
  const name = field(t("keys.name"), { name: "name", hint: t("keys.name.hint"), maxlength: 200 });
  vehicle.hidden = true;
  role.control.addEventListener("change", () => (vehicle.hidden = role.control.value !== "device"));
  const send = async (given) => {
    const bound = given.role === "device" && given.vehicle.trim();
    const made = await post("/keys", { role: given.role, name: given.name.trim(), ...(bound && { vehicle: bound }) }, { signal });
    asked.replaceWith(secret(made.key, t("keys.made"))); // at once: it is nowhere else
    await load();
  };
  const asked = form([role, name, vehicle, button(t("keys.create"), { kind: "main", icon: "key", type: "submit" })], send);
  dialog(t("keys.new"), asked);
  role.control.focus();
}
