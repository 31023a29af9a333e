// Signing in: by a local user's name and password, or by an access token or a key.

import { signIn, useToken, who } from "../api.js";
import { HOME } from "../pages.js";
import { t } from "../texts.js";
import { button, field, form, h, icon, notice, segments } from "../ui.js";

export function render(root, params) {
  const next = params.query.get("next") || HOME;
  const enter = () => location.replace(`#${next.startsWith("/") ? next : HOME}`);
  if (who()) {
    enter();
    return;
  }
  const place = h("div", {});
  const ways = {
    password: () => passwordForm(enter),
    token: () => tokenForm(enter),
  };
  const show = (way) => {
    place.replaceChildren(ways[way]());
    place.querySelector("input").focus();
  };
  const options = [
    ["password", t("signin.with_password")],
    ["token", t("signin.with_token")],
  ];
  root.replaceChildren(
    h(
      "div",
      { class: "welcome" },
      h(
        "section",
        { class: "welcome-card", "aria-labelledby": "welcome-title" },
        h("div", { class: "welcome-brand" }, icon("bolt"), h("span", {}, "evd")),
        h("h1", { id: "welcome-title" }, t("signin.title")),
        params.query.has("ended")
          ? notice(t("signin.ended"), { tone: "warn" })
          : h("p", { class: "lead" }, t("signin.lead")),
        segments(t("signin.how"), options, "password", show),
        place,
      ),
    ),
  );
  show("password");
}

function passwordForm(enter) {
  return form(
    [
      field(t("signin.user"), { name: "user", autocomplete: "username", required: true, autocapitalize: "none" }),
      field(t("signin.password"), { name: "password", type: "password", autocomplete: "current-password", required: true }),
      button(t("signin.submit"), { kind: "main", type: "submit" }),
    ],
    async ({ user, password }) => {
      await signIn(user, password);
      enter();
    },
  );
}

function tokenForm(enter) {
  return form(
    [
      field(t("signin.token"), { name: "token", type: "password", autocomplete: "off", required: true, hint: t("signin.token.hint") }),
      button(t("signin.submit"), { kind: "main", type: "submit" }),
    ],
    async ({ token }, element) => {
      if (await useToken(token.trim())) enter();
      else element.error(t("signin.token.wrong"));
    },
  );
}
