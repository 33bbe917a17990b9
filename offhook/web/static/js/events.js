/**
 * What changes, as it happens: `record` (a row), `deleted` ({id}), `words` ({id, seq}), `desk` (how the desk
 * stands) and `connection` ({isUp, why}). A page misses nothing that changed after its own data, whose `seq` says so.
 */

import { byId, h, pageData } from "./dom.js";
import { Stream } from "./stream.js";

/** The person is told that the server is away after this long, ms: a restart takes less. */
const AWAY_MS = 1500;
const handlers = new Map();
let seen = null;
let join = null;

/** Call `handler` with the data of each event of a kind, and the number of the change; returns what stops that. */
export function on(type, handler) {
  if (!handlers.has(type)) handlers.set(type, new Set());
  handlers.get(type).add(handler);
  if (!join) queueMicrotask(start); // when the page has bound all its handlers
  join ??= () => {};
  return () => handlers.get(type).delete(handler);
}

function start() {
  seen = pageData()?.seq ?? null;
  join = shared() ?? alone();
  join();
  on("connection", ({ isUp, why }) => (isUp ? back() : away(why)));
}

function tell({ type, data, seq }) {
  seen = seq ?? seen;
  for (const handler of handlers.get(type) ?? []) handler(data, seq);
}

/** Take part in the stream of all tabs; returns what joins it, null where browsers have no shared workers. */
function shared() {
  if (!globalThis.SharedWorker) return null;
  const worker = new SharedWorker(new URL("./events_worker.js", import.meta.url), { type: "module", name: "events" });
  worker.port.onmessage = ({ data }) => tell(data);
  worker.onerror = () => {
    join = alone();
    join();
  };
  addEventListener("pagehide", () => worker.port.postMessage({ isLeaving: true }));
  addEventListener("pageshow", ({ persisted }) => persisted && join());
  return () => worker.port.postMessage({ after: seen });
}

function alone() {
  const stream = new Stream(tell);
  return () => stream.from(seen);
}

const WHY = {
  away: "The desk's server does not answer. This page goes on by itself when it is back. To start it, type: python start.py",
  "signed out": "You are not signed in any more. Type offhook open in a terminal.",
  refused: "Too many pages of the desk are open, so this one does not show what changes. Close some of them.",
};
let timer = 0;

/** Say that the server is away, unless it is back soon; each try to connect again comes here too. */
function away(why) {
  const shown = byId("server-away");
  if (shown) shown.textContent = WHY[why];
  timer ||= setTimeout(() => {
    byId("main").prepend(h("p", { id: "server-away", class: "message warning", role: "status" }, WHY[why]));
  }, AWAY_MS);
}

function back() {
  clearTimeout(timer);
  timer = 0;
  byId("server-away")?.remove();
}
