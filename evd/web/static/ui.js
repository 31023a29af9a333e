// The elements that pages are built of; each is a file of ui/. Data reaches the page as text nodes only.

export { h, svg, style, replaceText } from "./ui/h.js";
export { icon } from "./ui/icons.js";
export { button, copyButton } from "./ui/button.js";
export { badge, stateBadge, channel, STATES } from "./ui/badge.js";
export { gauge, meter } from "./ui/gauge.js";
export { when, relative, exact, duration } from "./ui/time.js";
export { table } from "./ui/table.js";
export { tabs } from "./ui/tabs.js";
export { csvOf, saveFile } from "./ui/csv.js";
export { field, form, select, segments } from "./ui/form.js";
export { dialog, toast } from "./ui/dialog.js";
export { latest, gathered } from "./ui/latest.js";
export { menu } from "./ui/menu.js";
export { empty, skeleton, notice } from "./ui/states.js";
export { pageHead, panel, tile, facts, confirmed, setQuery } from "./ui/page.js";
export { windowed } from "./ui/window.js";
