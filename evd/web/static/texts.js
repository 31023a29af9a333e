// The one table of texts: key → [English, Slovak]. A file of texts/ has those of one subject; a key stands in one only.
// Forms of a number are divided by |: English one|other, Slovak one|few|other. tests/web/test_texts.py finds keys that
// are missing, unused, or written in one language only.

import { COMMON } from "./texts/common.js";
import { FIRST_RUN } from "./texts/firstrun.js";
import { FLEET } from "./texts/fleet.js";
import { FORMATS } from "./texts/formats.js";
import { PUSHES } from "./texts/pushes.js";
import { REFUSED } from "./texts/refused.js";
import { SIGN_IN } from "./texts/signin.js";
import { SYSTEM } from "./texts/system.js";
import { VEHICLE } from "./texts/vehicle.js";
import { VEHICLE_PARTS } from "./texts/vehicle_parts.js";

const TEXTS = { ...COMMON, ...FIRST_RUN, ...FLEET, ...PUSHES, ...REFUSED, ...SIGN_IN, ...SYSTEM, ...VEHICLE, ...VEHICLE_PARTS };

// A further subject begins a line of its own, so that two who add one at once do not meet.
Object.assign(TEXTS, FORMATS);

export const LANGUAGES = { en: "English", sk: "Slovenčina" };
const FORMS = { en: ["one", "other"], sk: ["one", "few", "other"] };

let language = chosen();
document.documentElement.lang = language;

function chosen() {
  try {
    const kept = localStorage.getItem("evd.language");
    if (kept in LANGUAGES) return kept;
  } catch {
    // Then the browser's language counts.
  }
  return (navigator.languages || []).some((one) => one.toLowerCase().startsWith("sk")) ? "sk" : "en";
}

export function currentLanguage() {
  return language;
}

/** Remember the language and load the page again in it. */
export function setLanguage(name) {
  localStorage.setItem("evd.language", name);
  location.reload();
}

/** The text of a key, with {name} replaced by values.name. */
export function t(key, values = {}) {
  const row = TEXTS[key];
  if (!row) throw new Error(`texts.js has no ${key}`);
  return filled(row[language === "sk" ? 1 : 0], values);
}

/** The text of a key in the form that the number asks for; {n} is the number. */
export function tn(key, n, values = {}) {
  const row = TEXTS[key];
  if (!row) throw new Error(`texts.js has no ${key}`);
  const forms = row[language === "sk" ? 1 : 0].split("|");
  const at = FORMS[language].indexOf(new Intl.PluralRules(language).select(n));
  return filled(forms[at < 0 ? forms.length - 1 : Math.min(at, forms.length - 1)], { n: number(n), ...values });
}

function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** A number as the language writes it, with at most `digits` decimals. */
export function number(value, digits = 0) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

/** A number with its unit, "–" without one. */
export function quantity(value, unit, digits = 0) {
  return value === null || value === undefined ? "–" : `${number(value, digits)} ${unit}`;
}
