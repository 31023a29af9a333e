// A dialog that sends a test push to a vehicle's phones, and shows what each answered.

import { post } from "../api.js";
import { quantity, t } from "../texts.js";
import { badge, button, dialog, field, form, h, table } from "../ui.js";

export function testPush(vehicle, signal) {
  const given = field(t("pushes.vehicle"), { name: "vehicle", value: vehicle, required: true, placeholder: "386625", autocapitalize: "none" });
  const answers = h("div", { role: "status" });
  const send = async (data) => {
    answers.replaceChildren();
    const found = await post("/pushes/test", { vehicle: data.vehicle.trim() }, { signal });
    answers.replaceChildren(
      table(
        [
          { title: t("pushes.phone"), class: "mono", cell: (row) => row.token },
          { title: t("pushes.result"), cell: result },
          { title: t("pushes.took"), class: "number", cell: (row) => quantity(row.ms, "ms") },
          { title: t("pushes.said"), class: "pushes-said", cell: (row) => row.said },
        ],
        found.phones,
        { caption: t("pushes.test.results") },
      ),
    );
  };
  const asked = form([given, button(t("pushes.test.send"), { kind: "main", icon: "send", type: "submit" })], send);
  dialog(t("pushes.test"), [h("p", { class: "muted" }, t("pushes.test.lead")), asked, answers], { wide: true });
  given.control.focus();
}

function result(row) {
  if (row.taken) return badge(t("pushes.result.taken"), { tone: "good", icon: "check" });
  return badge(t("pushes.result.gave_up"), { tone: "bad", icon: "ban" });
}
