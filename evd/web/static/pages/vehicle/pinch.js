// Zoom by two fingers: the times under them stay under them while they move.

/**
 * `over` is the plot's own area. `spanOf()` gives {from, until} (epoch ms) as it is shown; `moved(span)` is called while
 * the fingers move, `ended(span)` when one is lifted. Ends with `signal`.
 */
export function pinched(over, { spanOf, moved, ended, signal }) {
  const fingers = new Map();
  let held = null; // the times under the two fingers when they came down
  let span = null;
  over.classList.add("is-pinched"); // vehicle.css: the browser scrolls up and down only

  const shares = () => {
    const { left, width } = over.getBoundingClientRect();
    return [...fingers.values()].map((x) => (x - left) / width).sort((a, b) => a - b);
  };

  over.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch" || fingers.size === 2) return;
    fingers.set(event.pointerId, event.clientX);
    if (fingers.size < 2) return;
    const { from, until } = spanOf();
    held = shares().map((share) => from + share * (until - from));
    span = null;
  }, { signal });

  over.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, event.clientX);
    if (held === null) return;
    const [first, second] = shares();
    if (second - first < 0.02) return;
    const length = (held[1] - held[0]) / (second - first);
    const from = held[0] - first * length;
    span = { from, until: from + length };
    moved(span);
  }, { signal });

  const lifted = (event) => {
    if (!fingers.delete(event.pointerId) || held === null) return;
    held = null;
    if (span) ended(span);
  };
  // A finger that came down here is heard here until it is lifted.
  for (const name of ["pointerup", "pointercancel"]) over.addEventListener(name, lifted, { signal });
}
