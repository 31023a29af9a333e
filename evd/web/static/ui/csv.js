// Files that a page makes: comma-separated values by RFC 4180, and saving by the browser.

import { h } from "./h.js";

/** `columns`: [[name, value(row)], …]; null and undefined are empty. A text never begins as a spreadsheet's formula does. */
export function csvOf(columns, rows) {
  const lines = [columns.map(([name]) => cell(name)), ...rows.map((row) => columns.map(([, value]) => cell(value(row))))];
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Save `content`, a text or a Blob, as a file of this name. */
export function saveFile(name, content, type = "text/csv;charset=utf-8") {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  h("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}
