// The first steps of an administrator: a vehicle, the callback to enter at Sigfox, and its first arrival.

import "../texts/firstrun.js";
import { follow, get, patch, post } from "../api.js";
import { t } from "../texts.js";
import { button, copyButton, field, form, h, icon, notice, skeleton, style } from "../ui.js";

const LOCAL = /^(localhost|127\.|\[::1\]|10\.|192\.168\.)/;

export async function render(root, params, signal) {
  await style("pages/setup.css");
  const callback = h("div", { class: "step-body" }, skeleton("line", 4));
  const arrival = step(3, t("setup.arrival"), [notice(t("setup.arrival.waiting"), { icon: "clock" })]);
  root.replaceChildren(
    h("div", { class: "page-head" }, h("h1", {}, t("setup.title"))),
    h("ol", { class: "steps" }, vehicleStep(), step(2, t("setup.callback"), callback), arrival),
  );
  await showCallback(callback, signal);
  watch(arrival, signal);
}

function step(number, title, children) {
  const mark = h("span", { class: "step-mark", "aria-hidden": "true" }, number);
  const body = h("div", { class: "step-content" }, h("h2", {}, title), children);
  const element = h("li", { class: "step card" }, mark, body);
  element.done = (more) => {
    mark.replaceChildren(icon("check"));
    element.classList.add("is-done");
    if (more) body.replaceChildren(h("h2", {}, title), ...[more].flat());
  };
  return element;
}

function vehicleStep() {
  const id = field(t("setup.vehicle.id"), { name: "vehicle", required: true, placeholder: "386625", autocapitalize: "none" });
  const name = field(t("setup.vehicle.name"), { name: "name", required: true, placeholder: "Zoe" });
  const element = step(1, t("setup.vehicle"), [
    h("p", { class: "muted" }, t("setup.vehicle.lead")),
    form([h("div", { class: "step-fields" }, id, name, button(t("setup.vehicle.save"), { type: "submit" }))], async (given) => {
      await patch(`/vehicles/${encodeURIComponent(given.vehicle.trim())}`, { name: given.name.trim() });
      element.done(h("p", { role: "status" }, t("setup.vehicle.saved", { name: given.name.trim() })));
    }),
  ]);
  return element;
}

async function showCallback(place, signal) {
  const [data] = await get("/callbacks", { url: location.origin }, signal);
  const header = h("code", { class: "mono" }, `x-api-key: ${data.headers["x-api-key"]}`);
  const keyed = h("div", { class: "step-key" });
  const make = async () => {
    const made = await post("/keys", { role: "sigfox", name: "Sigfox" });
    header.textContent = `x-api-key: ${made.key}`;
    keyed.replaceChildren(notice(t("setup.callback.key.lead"), { tone: "good", icon: "key" }));
  };
  keyed.append(button(t("setup.callback.key"), { icon: "key", onclick: make }));
  const rows = [
    [t("setup.field.type"), `${data.type} / ${data.subtype}`],
    [t("setup.field.channel"), data.channel],
    [t("setup.field.url"), code(data.url)],
    [t("setup.field.method"), data.method],
    [t("setup.field.header"), [header, copyButton(() => header.textContent.replace("x-api-key: ", ""), { kind: "plain" })]],
    [t("setup.field.content"), code(data.content_type)],
    [t("setup.field.body"), code(data.body)],
  ];
  place.replaceChildren(
    h("p", { class: "muted" }, t("setup.callback.lead")),
    LOCAL.test(location.host) ? notice(t("setup.callback.local"), { tone: "warn" }) : "",
    h(
      "dl",
      { class: "facts" },
      rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
    ),
    keyed,
  );
}

function code(text) {
  return [h("pre", { class: "mono", tabindex: 0 }, text), copyButton(() => text, { kind: "plain" })];
}

/** The tick when the first status is there, or when one comes. */
async function watch(element, signal) {
  const here = new AbortController();
  signal.addEventListener("abort", () => here.abort());
  const onEvent = (status) => {
    here.abort();
    element.done([
      h("p", { role: "status" }, t("setup.arrival.done", { vehicle: status.vehicleId })),
      h("a", { class: "button button-main", href: "#/fleet" }, t("setup.arrival.next")),
    ]);
  };
  await follow("/stream", {}, { onEvent, signal: here.signal });
}
