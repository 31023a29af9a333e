// The page of a sharing link: whoever is signed in comes to see the vehicle.

import "../texts/vehicle_parts.js";
import { post } from "../api.js";
import { t } from "../texts.js";
import { button, empty, form, h, toast } from "../ui.js";

export async function render(root, params) {
  const accept = async () => {
    const { vehicle } = await post("/invitations/accept", { code: params.query.get("code") ?? "" });
    toast(t("invited.done"));
    location.hash = `#/vehicles/${encodeURIComponent(vehicle)}`;
  };
  const asking = form([button(t("invited.accept"), { kind: "main", icon: "check", type: "submit" })], accept);
  root.replaceChildren(h("h1", { class: "unseen" }, t("invited.title")), empty({ icon: "share", title: t("invited.title"), text: t("invited.why"), action: asking }));
}
