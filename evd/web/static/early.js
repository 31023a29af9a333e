// Before the first paint: light or dark as chosen, so that the page never flashes in the other one. No module, because
// those run behind the page.
try {
  const chosen = localStorage.getItem("evd.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // A browser that keeps nothing follows the system.
}
