// Before the first paint: light or dark as chosen, so that the page never flashes in the other one; and the first
// question to evd, while the browser loads the modules. No module, because those run after the styles.
try {
  const chosen = localStorage.getItem("evd.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // A browser that keeps nothing follows the system.
}
window.evdEarly = fetch("/api/v1/console", { cache: "no-store" })
  .then((response) => (response.ok ? response.json() : null))
  .catch(() => null);
