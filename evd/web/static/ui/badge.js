// States as an icon with a word; the colour only repeats what they say.

import { t } from "../texts.js";
import { h } from "./h.js";
import { icon } from "./icons.js";

/** State → tone, icon and key of its word. A status has the number, a vehicle of a list the word. */
export const STATES = {
  off: { tone: "quiet", icon: "power", text: "state.off" },
  charging: { tone: "good", icon: "bolt", text: "state.charging" },
  idle: { tone: "quiet", icon: "pause", text: "state.idle" },
  driving: { tone: "info", icon: "road", text: "state.driving" },
};
const BY_NUMBER = Object.keys(STATES);
const UNKNOWN = { tone: "quiet", icon: "question", text: "state.unknown" };

/** `tone`: quiet, good, info, warn or bad. */
export function badge(text, { tone = "quiet", icon: name } = {}) {
  return h("span", { class: `badge tone-${tone}` }, name && icon(name), h("span", {}, text));
}

export function stateBadge(state) {
  const known = STATES[typeof state === "number" ? BY_NUMBER[state] : state] || UNKNOWN;
  const word = known === UNKNOWN && state !== null && state !== undefined ? `${t(known.text)} (${state})` : t(known.text);
  return badge(word, known);
}

/** How data came: by Sigfox or over WLAN. */
export function channel(name) {
  const known = { sigfox: ["signal", t("channel.sigfox")], wlan: ["wifi", t("channel.wlan")] }[name];
  if (!known) return h("span", {}, "–");
  return h("span", { class: "channel" }, icon(known[0]), h("span", {}, known[1]));
}
