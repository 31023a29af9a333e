// Which vehicles and device types a format decodes; assign it to more, or take it away.

import { patch, put } from "../api.js";
import { t } from "../texts.js";
import { button, field, form, h, panel, select, toast } from "../ui.js";

const TYPE = "type";

/** `changed()` is called after each change. */
export function usersPanel(format, { changed, signal }) {
  const set = (kind, id, name) =>
    kind === TYPE
      ? put(`/device-types/${encodeURIComponent(id)}`, { format: name }, { signal })
      : patch(`/vehicles/${encodeURIComponent(id)}`, { format: name }, { signal });
  const row = (kind, id) => {
    const take = async () => {
      await set(kind, id, null);
      toast(t("formats.unassigned", { id }));
      await changed();
    };
    const name = kind === TYPE ? h("code", {}, id) : h("a", { class: "mono", href: `#/vehicles/${encodeURIComponent(id)}` }, id);
    return h(
      "li",
      { class: "formats-user" },
      h("small", {}, kind === TYPE ? t("formats.assign.type") : t("formats.assign.vehicle")),
      name,
      button("", { icon: "close", kind: "plain", label: t("formats.unassign", { id }), onclick: take }),
    );
  };
  const kinds = [
    ["vehicle", t("formats.assign.vehicle")],
    [TYPE, t("formats.assign.type")],
  ];
  const kind = field(t("formats.assign.to"), { control: select(kinds, "vehicle", { name: "kind" }) });
  const id = field(t("formats.assign.id"), { name: "id", required: true, placeholder: "386625", autocapitalize: "none" });
  const send = async (given) => {
    const named = given.id.trim();
    await set(given.kind, named, format.name);
    toast(t("formats.assigned", { id: named, name: format.name }));
    await changed();
  };
  const users = [...format.device_types.map((one) => row(TYPE, one)), ...format.vehicles.map((one) => row("vehicle", one))];
  const list = users.length ? h("ul", { class: "formats-users" }, users) : h("p", { class: "muted" }, t("formats.unused"));
  const asked = form([h("div", { class: "formats-line" }, kind, id, button(t("formats.assign"), { type: "submit" }))], send);
  return panel(t("formats.users"), [list, asked], { class: "formats-users-panel" });
}
