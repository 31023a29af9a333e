// The demo: what the fake FCM took, and a callback of the reader's own with its way through evd.

import "../texts/firstrun.js";
import { del, get, post } from "../api.js";
import { t, tn } from "../texts.js";
import { badge, button, dialog, field, form, h, icon, select, STATES } from "../ui.js";

const COUNT_MS = 2000;
const TRACE_MS = 300;
const TRACE_TRIES = 40;
const VEHICLE = "386625"; // the one whose phone is registered
const REST = "0f594e427e4bb45088"; // of the payload, behind state, charge and target
const TARGET = 80;

/** The strip above the fleet of a demo. */
export function demoStrip(signal) {
  const pushes = h("b", { class: "number" }, tn("demo.pushes", 0));
  const count = async () => {
    const found = await get("/stats", {}, signal).catch(() => null);
    if (found) pushes.textContent = tn("demo.pushes", found.push.outcomes?.sent ?? 0);
  };
  const timer = setInterval(() => !document.hidden && count(), COUNT_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  count();
  return h(
    "div",
    { class: "demo-strip tone-info" },
    badge(t("demo.title"), { tone: "info", icon: "play" }),
    h("p", {}, t("demo.lead"), " ", pushes, "."),
    button(t("demo.send"), { icon: "send", kind: "main", onclick: sendDialog }),
  );
}

function sendDialog() {
  const states = Object.entries(STATES).map(([name, state]) => [name, t(state.text)]);
  const way = h("ol", { class: "way", "aria-live": "polite" });
  const box = h("section", { hidden: true }, h("h3", {}, t("demo.way")), way);
  dialog(t("demo.send"), [
    h("p", { class: "muted" }, t("demo.send.lead")),
    form(
      [
        field(t("demo.vehicle"), { name: "vehicle", value: VEHICLE, required: true }),
        field(t("demo.state"), { control: select(states, "charging", { name: "state" }) }),
        field(t("demo.charge"), { name: "charge", type: "number", min: 0, max: 100, value: 76, required: true }),
        button(t("demo.send"), { kind: "main", type: "submit", icon: "send" }),
      ],
      async (given) => {
        box.hidden = false;
        way.replaceChildren();
        await send(given, (name, text) => way.append(h("li", {}, icon(name), h("span", {}, text))));
      },
    ),
    box,
  ]);
}

/** The payload of the format `ev`: 3 bits state, 7 charge, 7 target, and the rest as it is. */
function payloadOf(state, charge) {
  const head = (Object.keys(STATES).indexOf(state) * 2 ** 14 + charge * 2 ** 7 + TARGET) * 2 ** 7;
  return ((head | 0x4c) >>> 0).toString(16).padStart(6, "0").slice(-6) + REST;
}

async function send(given, say) {
  const payload = payloadOf(given.state, Math.min(100, Math.max(0, Number(given.charge))));
  const key = await post("/keys", { role: "sigfox", name: "demo console" });
  let statusId;
  try {
    say("send", t("demo.way.sent", { payload }));
    const body = {
      device: given.vehicle.trim(),
      time: Math.floor(Date.now() / 1000),
      data: payload,
      seqNumber: Math.floor(Math.random() * 4096),
    };
    const began = performance.now();
    const answer = await fetch("/sigfox/uplink", {
      method: "POST",
      headers: { "x-api-key": key.key, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const ms = Math.round(performance.now() - began);
    statusId = answer.headers.get("X-Status-Id");
    say(answer.ok ? "check" : "alert", t("demo.way.committed", { status: answer.status, ms }));
    if (!answer.ok) return;
  } finally {
    await del(`/keys/${key.id}`);
  }
  await trace(statusId, given.vehicle.trim(), say);
}

async function trace(statusId, vehicle, say) {
  for (let tries = 0; tries < TRACE_TRIES; tries += 1) {
    const found = await get(`/pushes/trace/${statusId}`, { vehicle });
    if (!found.registered) return say("phone", t("demo.way.nobody"));
    const done = found.pushes.filter((push) => push.state !== "waiting");
    if (done.length === found.pushes.length) {
      for (const push of done) {
        const taken = push.state === "taken";
        const text = taken ? t("demo.way.taken", { phone: push.phone, ms: push.after_ms ?? "–" }) : push.said;
        say(taken ? "check" : "alert", text);
      }
      return undefined;
    }
    await new Promise((resolve) => setTimeout(resolve, TRACE_MS));
  }
  return say("clock", t("demo.way.waiting"));
}
