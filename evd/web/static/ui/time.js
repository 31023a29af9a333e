// Times: relative ("5 minutes ago"), with the exact one on hover and focus. They grow older by themselves.

import { currentLanguage, t } from "../texts.js";
import { h, replaceText } from "./h.js";
import { tipOf } from "./tip.js";

const UNITS = [
  ["year", 31536000],
  ["month", 2592000],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const EVERY_MS = 5000;

const relatives = new Intl.RelativeTimeFormat(currentLanguage(), { numeric: "always", style: "short" });
const exacts = new Intl.DateTimeFormat(currentLanguage(), { dateStyle: "medium", timeStyle: "medium" });

/** "5 min. ago" of a time in epoch ms. */
export function relative(ms, now = Date.now()) {
  const seconds = Math.round((ms - now) / 1000);
  if (Math.abs(seconds) < 5) return t("time.now");
  const [unit, size] = UNITS.find(([, one]) => Math.abs(seconds) >= one) || UNITS.at(-1);
  return relatives.format(Math.trunc(seconds / size), unit);
}

/** Date and time in the reader's zone. */
export function exact(ms) {
  return exacts.format(ms);
}

/** "1 h 5 min" of seconds. */
export function duration(seconds) {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return `${Math.round(seconds)} s`;
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  const parts = [days && `${days} d`, hours && `${hours} h`, !days && minutes % 60 && `${minutes % 60} min`];
  return parts.filter(Boolean).join(" ");
}

/**
 * A fact's time: `measured` and, where known, `received`, both in epoch ms. `update(measured, received)` changes it in
 * place. `focusable: false` for one inside a link, which takes the focus itself. `label` says what happened at the
 * first of them, if it is no measurement.
 */
export function when(measured, received, { focusable = true, label = t("time.measured") } = {}) {
  const text = h("span", {});
  const element = h("time", { class: "when", tabindex: focusable ? 0 : null }, text);
  const tip = tipOf(element);
  element.append(tip);
  element.update = (first, second) => {
    if (typeof first !== "number") {
      delete element.dataset.ms;
      element.removeAttribute("datetime");
      replaceText(text, t("time.none"));
      replaceText(tip, "");
      return element;
    }
    element.dataset.ms = first;
    element.setAttribute("datetime", new Date(first).toISOString());
    replaceText(text, relative(first));
    const lines = [`${label}: ${exact(first)}`];
    if (typeof second === "number") lines.push(`${t("time.received")}: ${exact(second)}`);
    replaceText(tip, lines.join("\n"));
    return element;
  };
  return element.update(measured, received);
}

setInterval(() => {
  if (document.hidden) return;
  const now = Date.now();
  for (const element of document.querySelectorAll("time.when[data-ms]")) {
    replaceText(element.firstChild, relative(Number(element.dataset.ms), now));
  }
}, EVERY_MS);
