// Requests to evd: who is signed in, JSON in and out, errors as ApiError, pages of lists, and the live stream.
//
// A session is a cookie that no script can read; what changes something sends its CSRF token. An access token or a key
// stays in sessionStorage, which is this tab's own. A 401 means that the session has ended: the sign-in page follows.

import { t } from "./texts.js";

const V1 = "/api/v1";
const TOKEN = "evd.token";
const NEW_MS = 15000; // as long as a live stream may take to begin on a slow network
const RETRY_MS = 2000;
const RETRY_MAX_MS = 30000;
const BEAT_MAX_MS = 45000; // evd writes at least every 15 s

/** What evd answered in place of what was asked for; `status` 0: it could not be reached. */
export class ApiError extends Error {
  constructor(status, title, detail) {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.detail = detail || "";
  }
}

let session = null;
let known = null;
const onEnd = new Set();
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("evd.session") : null;
tabs?.addEventListener("message", () => ended(false));

/** What holds before anybody signs in: {first_run, session, demo, tiles}; the first time the page itself has it. */
export async function start() {
  return (known = inPage("start") ?? (await request("GET", "/console")));
}

/** The first vehicles, {rows, next}, as the page brought them; null where it did not, and once it is no longer new. */
export function fleetInPage() {
  const fleet = inPage("fleet");
  return session?.means === "session" && performance.now() < NEW_MS ? fleet : null;
}

/** What evd wrote into the page for its scripts, once. */
function inPage(name) {
  const element = document.getElementById(`evd-${name}`);
  element?.remove();
  return element && JSON.parse(element.textContent);
}

/** Whether `evd demo` runs this evd. */
export function isDemo() {
  return Boolean(known?.demo);
}

/** The source of the map's tiles, {url, attribution}; null: none is configured. */
export function tiles() {
  return known?.tiles ?? null;
}

/** Whoever is signed in: {uid, admin, means, csrf_token}; null for nobody. */
export function who() {
  return session;
}

/** Call `listener({unasked})` when the session ends, in this tab or in another one; `unasked`: not by this tab. */
export function whenSignedOut(listener) {
  onEnd.add(listener);
}

function ended(here) {
  const was = session;
  session = null;
  sessionStorage.removeItem(TOKEN);
  if (here) tabs?.postMessage("ended");
  if (was) for (const listener of onEnd) listener({ unasked: !here });
}

/** Ask who is signed in; null for nobody. With a token it is asked of evd. */
export async function loadSession() {
  const early = await start();
  if (!sessionStorage.getItem(TOKEN)) return (session = early.session);
  try {
    session = await request("GET", "/session");
  } catch (error) {
    if (!(error instanceof ApiError) || ![401, 403].includes(error.status)) throw error;
    session = null;
  }
  return session;
}

export async function signIn(user, password) {
  sessionStorage.removeItem(TOKEN);
  await request("POST", "/session", { body: { user, password }, keep: true });
  return loadSession();
}

/** Sign in by the code of a one-time link. */
export async function enterByLink(code) {
  sessionStorage.removeItem(TOKEN);
  await request("POST", "/session/link", { body: { code }, keep: true });
  return loadSession();
}

/** Use an access token or a key for this tab; null if it is not valid. */
export async function useToken(text) {
  sessionStorage.setItem(TOKEN, text);
  const found = await loadSession();
  if (!found) sessionStorage.removeItem(TOKEN);
  return found;
}

/** End the session wherever it is open: other tabs of this browser hear of it at once. */
export async function signOut() {
  try {
    if (session?.means === "session") await request("DELETE", "/session");
  } finally {
    ended(true);
  }
}

function headersFor(method) {
  const headers = {};
  const token = sessionStorage.getItem(TOKEN);
  if (token) headers["x-api-key"] = token;
  if (method !== "GET" && session?.csrf_token) headers["X-CSRF-Token"] = session.csrf_token;
  return headers;
}

function address(path, query) {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query || {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== "") given.append(name, one);
    }
  }
  const text = given.toString();
  return (path.startsWith("/api/") ? path : V1 + path) + (text ? `?${text}` : "");
}

/** The Response of a request below /api/v1 that succeeded. Throws ApiError. `keep`: a 401 does not end the session. */
export async function respond(method, path, { body, query, headers, signal, keep = false } = {}) {
  const sent = { ...headersFor(method), ...headers };
  if (body !== undefined && !("Content-Type" in sent)) sent["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(address(path, query), {
      method,
      headers: sent,
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
      signal,
      cache: "no-store",
      credentials: "same-origin",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, t("app.offline"), "");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401 && session && !keep) ended(false);
  throw new ApiError(response.status, problem.title || response.statusText, problem.detail || problem.Error || "");
}

/** The JSON of an answer. Throws ApiError. */
export async function request(method, path, options) {
  const response = await respond(method, path, options);
  return response.status === 204 ? null : response.json();
}

export const get = (path, query, signal) => request("GET", path, { query, signal });
export const post = (path, body, options) => request("POST", path, { body: body ?? {}, ...options });
export const put = (path, body, options) => request("PUT", path, { body, ...options });
export const patch = (path, body, options) => request("PATCH", path, { body, ...options });
export const del = (path, options) => request("DELETE", path, options);

/** What `answer` resolves to; null where evd has none of it, or does not show it. */
export async function unlessAbsent(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/** A page of a list: {rows, next}; `next` is the following page's path for another call, null behind the last one. */
export async function page(path, query, signal) {
  const response = await respond("GET", path, { query, signal });
  const link = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("Link") || "");
  return { rows: await response.json(), next: link ? link[1] : null };
}

/**
 * Follow server-sent events until `signal` aborts: `onEvent(data, name)` for each, `onState(live)` when the connection
 * comes or breaks. It connects again by itself and resumes behind the last event. By fetch, because EventSource sends
 * no header and does not say that a session has ended.
 */
export async function follow(path, query, { onEvent, onState = () => {}, signal }) {
  let last = "";
  let wait = RETRY_MS;
  while (!signal.aborted) {
    const silence = new AbortController();
    const stop = () => silence.abort();
    signal.addEventListener("abort", stop);
    let timer = setTimeout(stop, BEAT_MAX_MS);
    try {
      const headers = last ? { "Last-Event-ID": last } : {};
      const response = await respond("GET", path, { query, headers, signal: silence.signal });
      onState(true);
      wait = RETRY_MS;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        clearTimeout(timer);
        timer = setTimeout(stop, BEAT_MAX_MS);
        text += value;
        let end;
        while ((end = text.indexOf("\n\n")) >= 0) {
          last = handled(text.slice(0, end), onEvent) ?? last;
          text = text.slice(end + 2);
        }
      }
    } catch (error) {
      if (error instanceof ApiError && [400, 401, 403, 404].includes(error.status)) break;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
    if (signal.aborted) break;
    onState(false);
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, RETRY_MAX_MS);
  }
}

/** Handle one event's text; its id, if it has one. */
function handled(text, onEvent) {
  let name = "message";
  let id;
  const data = [];
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue; // a comment
    const value = line.slice(colon + 1).replace(/^ /, "");
    const field = line.slice(0, colon);
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
    else if (field === "id") id = value;
  }
  if (data.length) onEvent(JSON.parse(data.join("\n")), name);
  return id;
}
