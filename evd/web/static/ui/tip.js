// What an element says besides its text while it has the mouse or the focus. It is a popover, which lies above all else:
// no frame cuts it off, and it never widens the page.

import { h } from "./h.js";

const GAP = 6; // pixels between it and its element, and to the screen's edge

/** The tip of `element`, to be one of its children; its text is the caller's. */
export function tipOf(element) {
  const tip = h("span", { class: "tip", popover: "manual" });
  const show = () => {
    if (!tip.isConnected || !tip.textContent) return;
    tip.showPopover();
    const at = element.getBoundingClientRect();
    const left = Math.min(at.left, document.documentElement.clientWidth - tip.offsetWidth - GAP);
    const above = at.top - tip.offsetHeight - GAP;
    tip.style.setProperty("left", `${Math.max(GAP, left)}px`);
    tip.style.setProperty("top", `${above < 0 ? at.bottom + GAP : above}px`);
  };
  const hide = () => tip.hidePopover();
  element.addEventListener("mouseenter", show);
  element.addEventListener("mouseleave", hide);
  element.addEventListener("focus", show);
  element.addEventListener("blur", hide);
  return tip;
}
