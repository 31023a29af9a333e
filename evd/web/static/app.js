// The frame of the console and its router: the address's fragment says which page of pages.js is shown.

import { ApiError, loadSession, signOut, who, whenSignedOut } from "./api.js";
import { HOME, PAGES } from "./pages.js";
import { currentLanguage, LANGUAGES, setLanguage, t } from "./texts.js";
import { button, empty, h, icon, menu, toast } from "./ui.js";

const root = document.getElementById("app");
let leaving = new AbortController();
let main = null;

/** Go to another page: `path` as in PAGES, with a query if need be. */
export function go(path) {
  location.hash = `#${path}`;
}

function place() {
  const [path, query = ""] = (location.hash.slice(1) || HOME).split("?");
  return { path: path || HOME, query: new URLSearchParams(query) };
}

function matched(path) {
  const given = path.split("/");
  for (const page of PAGES) {
    const parts = page.path.split("/");
    if (parts.length !== given.length) continue;
    const params = {};
    const fits = parts.every((part, at) => {
      if (!part.startsWith(":")) return part === given[at];
      params[part.slice(1)] = decodeURIComponent(given[at]);
      return given[at] !== "";
    });
    if (fits) return { page, params };
  }
  return null;
}

function mayShow(page) {
  if (!page.roles) return true;
  const asking = who();
  return Boolean(asking) && page.roles.includes(asking.admin ? "admin" : "user");
}

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const { path, query } = place();
  const found = matched(path);
  if (!who() && !(found && !found.page.roles)) {
    location.replace(`#/signin?next=${encodeURIComponent(location.hash.slice(1) || HOME)}`);
    return;
  }
  const page = found && mayShow(found.page) ? found.page : null;
  document.title = page ? `${t(page.title)} · evd` : "evd";
  const target = framed(page);
  if (!page) {
    target.replaceChildren(
      empty({ icon: "question", title: t("app.unknown"), action: h("a", { href: `#${HOME}` }, t("app.unknown.next")) }),
    );
    return;
  }
  try {
    const module = await page.load();
    if (signal.aborted) return;
    target.replaceChildren();
    await module.render(target, { ...found.params, query }, signal);
  } catch (error) {
    if (signal.aborted || error.name === "AbortError" || (error instanceof ApiError && error.status === 401)) return;
    if (error instanceof TypeError && /import|module/i.test(error.message) && updated()) return;
    failed(target, error);
  }
}

/** After an update of evd its old files are gone: load the new ones, once. */
function updated() {
  if (sessionStorage.getItem("evd.reloaded") === location.href) return false;
  sessionStorage.setItem("evd.reloaded", location.href);
  location.reload();
  return true;
}

function failed(target, error) {
  const known = error instanceof ApiError;
  if (!known) console.error(error);
  const offline = known && error.status === 0;
  target.replaceChildren(
    empty({
      icon: "alert",
      title: offline ? error.message : t("app.failed"),
      text: offline ? t("app.offline.why") : error.message,
      action: button(t("app.retry"), { onclick: show }),
    }),
  );
}

// The frame

function framed(page) {
  if (page && page.frame === false) {
    main = h("main", { id: "main", class: "bare" });
    root.replaceChildren(main);
    return main;
  }
  if (!main || main.classList.contains("bare")) {
    main = h("main", { id: "main", class: "main", tabindex: -1 });
    root.replaceChildren(h("div", { class: "frame" }, skip(), navigation(), main));
  }
  for (const link of root.querySelectorAll(".nav-link")) {
    if (page && link.dataset.page === page.name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  main.className = `main page-${page ? page.name : "unknown"}`;
  main.replaceChildren();
  window.scrollTo(0, 0);
  return main;
}

function skip() {
  const jump = (event) => {
    event.preventDefault();
    main.focus();
  };
  return h("a", { class: "skip", href: "#main", onclick: jump }, t("app.skip"));
}

function navigation() {
  const pages = PAGES.filter((page) => page.nav && mayShow(page)).sort((a, b) => a.nav.order - b.nav.order);
  const links = pages.map((page) =>
    h(
      "a",
      { class: "nav-link", href: `#${page.path}`, dataset: { page: page.name } },
      icon(page.nav.icon),
      h("span", { class: "nav-text" }, t(page.title)),
    ),
  );
  return h(
    "header",
    { class: "side" },
    h("a", { class: "brand", href: `#${HOME}`, "aria-label": t("app.name") }, icon("bolt"), h("span", {}, "evd")),
    h("nav", { class: "nav", "aria-label": t("app.menu") }, links),
    account(),
  );
}

function account() {
  const asking = who();
  const name = asking.uid || t("app.administrator");
  return menu({
    label: t("app.account"),
    class: "account",
    face: [
      h("span", { class: "avatar", "aria-hidden": "true" }, name.slice(0, 1).toUpperCase()),
      h("span", { class: "account-text" }, h("b", {}, name), h("small", {}, t(asking.admin ? "app.administrator" : "app.user"))),
    ],
    items: () => [
      choice(t("app.theme"), themes(), document.documentElement.dataset.theme || "system", setTheme),
      choice(t("app.language"), Object.entries(LANGUAGES), currentLanguage(), setLanguage),
      h("hr"),
      button(t("app.signout"), { icon: "out", kind: "plain", class: "signout", onclick: signOut }),
    ],
  });
}

function themes() {
  return [
    ["system", t("app.theme.system")],
    ["light", t("app.theme.light")],
    ["dark", t("app.theme.dark")],
  ];
}

function setTheme(name) {
  if (name === "system") {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem("evd.theme");
    return;
  }
  document.documentElement.dataset.theme = name;
  localStorage.setItem("evd.theme", name);
}

function choice(title, options, now, chosen) {
  const name = `choice-${title}`;
  return h(
    "fieldset",
    { class: "choice" },
    h("legend", {}, title),
    h(
      "div",
      { class: "segments" },
      options.map(([value, text]) =>
        h(
          "label",
          { class: "segment" },
          h("input", { type: "radio", name, value, checked: value === now, onchange: () => chosen(value) }),
          h("span", {}, text),
        ),
      ),
    ),
  );
}

whenSignedOut(({ unasked }) => {
  main = null;
  leaving.abort();
  location.hash = unasked ? "#/signin?ended" : "#/signin";
});

// What a listener of a page did not catch: evd's refusal is shown; an aborted request or an ended session says nothing.
window.addEventListener("unhandledrejection", (event) => {
  const error = event.reason;
  if (error?.name === "AbortError" || error instanceof ApiError) event.preventDefault();
  if (error instanceof ApiError && error.status !== 401) toast(error.message, "bad");
});

async function begin() {
  try {
    await loadSession();
  } catch (error) {
    main = h("main", { id: "main", class: "bare" });
    root.replaceChildren(main);
    failed(main, error);
    main.querySelector("button").onclick = () => location.reload();
    return;
  }
  window.addEventListener("hashchange", show);
  await show();
}

begin();
