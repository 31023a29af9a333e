// A text that evd shows once, as a key or a link that signs in.

import { copyButton } from "./button.js";
import { h } from "./h.js";
import { notice } from "./states.js";

/** The text, with a button that copies it; `lead` says what it is good for. */
export function secret(text, lead) {
  return h(
    "div",
    { class: "secret", role: "status" },
    notice(lead, { tone: "warn", icon: "key" }),
    h("div", { class: "secret-line" }, h("code", { class: "mono", tabindex: 0 }, text), copyButton(() => text, { kind: "main" })),
  );
}
