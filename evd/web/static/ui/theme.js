// The theme's colours, for what is drawn on a canvas, which no style reaches.

/** The colour of this name now, as "--accent". */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Call `redraw()` when another theme holds, chosen here or by the system, until `signal` aborts. */
export function whenThemed(redraw, signal) {
  const chosen = new MutationObserver(redraw);
  chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  signal.addEventListener("abort", () => chosen.disconnect(), { once: true });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw, { signal });
}
