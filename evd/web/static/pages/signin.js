// Signing in: by a one-time link, by a local user's name and password, or by an access token or a key. Where there is
// no user yet, an administrator's key makes the first one.

import "../texts/signin.js";
import "../texts/firstrun.js";
import { ApiError, enterByLink, post, signIn, start, useToken, who } from "../api.js";
import { HOME } from "../pages.js";
import { t } from "../texts.js";
import { button, field, form, h, icon, notice, segments } from "../ui.js";

export async function render(root, params, signal) {
  const next = params.query.get("next") || HOME;
  const enter = () => location.replace(`#${next.startsWith("/") ? next : HOME}`);
  const code = params.query.get("code");
  let wrong = null;
  if (code) {
    history.replaceState(null, "", "#/signin"); // the code is used up, and must not stay in the history
    try {
      await enterByLink(code);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      wrong = notice(error.message, { tone: "warn" });
    }
  }
  if (who()) {
    enter();
    return;
  }
  const { first_run: firstRun } = await start();
  if (signal.aborted) return;
  if (firstRun) {
    welcome(root, t("first.title"), h("p", { class: "lead" }, t("first.lead")), firstForm());
    return;
  }
  const place = h("div", {});
  const ways = { password: () => passwordForm(enter), token: () => tokenForm(enter) };
  const show = (way) => {
    place.replaceChildren(ways[way]());
    place.querySelector("input").focus();
  };
  const options = [
    ["password", t("signin.with_password")],
    ["token", t("signin.with_token")],
  ];
  const ended = params.query.has("ended") && notice(t("signin.ended"), { tone: "warn" });
  const lead = wrong || ended || h("p", { class: "lead" }, t("signin.lead"));
  welcome(root, t("signin.title"), lead, segments(t("signin.how"), options, "password", show), place);
  show("password");
}

function welcome(root, title, ...children) {
  root.replaceChildren(
    h(
      "div",
      { class: "welcome" },
      h(
        "section",
        { class: "welcome-card", "aria-labelledby": "welcome-title" },
        h("div", { class: "welcome-brand" }, icon("bolt"), h("span", {}, "evd")),
        h("h1", { id: "welcome-title" }, title),
        children,
      ),
    ),
  );
  root.querySelector("input")?.focus();
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

/** The first user: whoever has the administrator's key, which `evd init` printed, may make it. */
function firstForm() {
  const key = field(t("first.key"), { name: "key", type: "password", autocomplete: "off", required: true, hint: t("first.key.hint") });
  const password = field(t("first.password"), {
    name: "password",
    type: "password",
    autocomplete: "new-password",
    required: true,
    hint: t("first.password.hint"),
  });
  return form(
    [
      key,
      field(t("first.user"), { name: "user", autocomplete: "username", required: true, autocapitalize: "none" }),
      password,
      button(t("first.submit"), { kind: "main", type: "submit" }),
    ],
    async (given) => {
      key.error("");
      try {
        const headers = { "x-api-key": given.key.trim() };
        await post("/users", { uid: given.user.trim(), password: given.password, admin: true }, { headers });
      } catch (error) {
        if (!(error instanceof ApiError) || ![401, 403].includes(error.status)) throw error;
        key.error(t("first.key.wrong"));
        key.control.focus();
        return;
      }
      await signIn(given.user.trim(), given.password);
      location.replace("#/setup");
    },
  );
}
