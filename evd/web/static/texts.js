// The one table of texts: key → [English, Slovak]. A file of texts/ has those of one subject; a key stands in one only.
// The frame's are here from the start; a page's module imports its own before all else, so that they come with it.
// Forms of a number are divided by |: English one|other, Slovak one|few|other. tests/web/test_texts.py finds keys that
// are missing, unused, written in one language only, or not loaded by the page that shows them.

import { COMMON } from "./texts/common.js";

const TEXTS = { ...COMMON };

/** Add the texts of a subject: its file does, once. */
export function addTexts(rows) {
  Object.assign(TEXTS, rows);
}

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
  if (!row) throw new Error(`no text ${key} is loaded`);
  return filled(row[language === "sk" ? 1 : 0], values);
}

/** The text of a key in the form that the number asks for; {n} is the number. */
export function tn(key, n, values = {}) {
  const row = TEXTS[key];
  if (!row) throw new Error(`no text ${key} is loaded`);
  const forms = row[language === "sk" ? 1 : 0].split("|");
  const at = FORMS[language].indexOf(new Intl.PluralRules(language).select(n));
  return filled(forms[at < 0 ? forms.length - 1 : Math.min(at, forms.length - 1)], { n: number(n), ...values });
}

function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

const formats = []; // by digits: to make one takes longer than to use it

/** A number as the language writes it, with at most `digits` decimals. */
export function number(value, digits = 0) {
  formats[digits] ??= new Intl.NumberFormat(language, { maximumFractionDigits: digits });
  return formats[digits].format(value);
}

/** A number with its unit, "–" without one. */
export function quantity(value, unit, digits = 0) {
  return value === null || value === undefined ? "–" : `${number(value, digits)} ${unit}`;
}
