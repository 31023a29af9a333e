// The charge as a battery that fills, with a tick at the target; and a thin meter for any other share.

import { number, t } from "../texts.js";
import { h } from "./h.js";

/** `update(charge, target, state)` changes it in place; percents, null for unknown. */
export function gauge() {
  const fill = h("span", { class: "gauge-fill" });
  const tick = h("span", { class: "gauge-target" });
  const element = h("div", { class: "gauge", role: "img" }, fill, tick);
  element.update = (charge, target, state) => {
    const known = typeof charge === "number";
    const share = known ? Math.min(100, Math.max(0, charge)) : 0;
    fill.style.setProperty("--share", `${share}%`);
    element.classList.toggle("is-unknown", !known);
    element.classList.toggle("is-charging", state === "charging");
    element.classList.toggle("is-low", known && share < 15);
    const hasTarget = typeof target === "number" && target > 0 && target < 100;
    tick.hidden = !hasTarget;
    if (hasTarget) tick.style.setProperty("--at", `${target}%`);
    element.setAttribute("aria-label", said(known ? charge : null, typeof target === "number" ? target : null));
    return element;
  };
  return element;
}

function said(charge, target) {
  if (charge === null) return t("fleet.charge.unknown");
  const now = `${number(charge)} %`;
  return target === null ? t("fleet.charge.alone", { now }) : t("fleet.charge", { now, target: `${number(target)} %` });
}

/** A share of something: `label` says it in words. `update(share, label)`; `share` from 0 to 1. */
export function meter(share = 0, label = "") {
  const fill = h("span", { class: "meter-fill" });
  const element = h("span", { class: "meter", role: "img" }, fill);
  element.update = (part, text) => {
    fill.style.setProperty("--share", `${Math.min(1, Math.max(0, part)) * 100}%`);
    element.setAttribute("aria-label", text);
    element.title = text;
    return element;
  };
  return element.update(share, label);
}
