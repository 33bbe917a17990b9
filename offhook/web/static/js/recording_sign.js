/** The sign of a running recording on every page: in the bar, in the title and in the icon. */

import { send } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { on } from "./events.js";
import { clock } from "./format.js";
import { complain, toast } from "./toast.js";

const MARK = "● ";
const OTHERS = { interrupted: "Recording interrupted", stopped: "A call waits" };
const said = h("span", { class: "visually-hidden", role: "status" });
const box = h("span", { class: "row" });
const favicon = byId("favicon");
const usualIcon = favicon?.getAttribute("href");
let shown = { state: "idle", session_id: null };
let ticking = 0;
let length = null;

function show({ state, session_id, title, started_at }) {
  if (state === shown.state && session_id === shown.session_id) return;
  said.textContent = state === "recording" ? `Recording: ${title}` : shown.state === "recording" ? "The recording has ended." : "";
  shown = { state, session_id, title, startedMs: Date.parse(started_at) };
  clearInterval(ticking);
  fill(box, state === "recording" ? running() : other());
  if (state === "recording") ticking = setInterval(tick, 1000);
  favicon?.setAttribute("href", state === "recording" ? favicon.dataset.recording : usualIcon);
  tick();
}

function running() {
  length = h("span", { class: "numeric" });
  return [
    h("a", { href: "/recorder", class: "recording-link", title: shown.title }, h("span", { class: "recording-dot", "aria-hidden": "true" }),
      h("span", { class: "visually-hidden" }, "Recording "), length),
    h("button", { class: "danger", onclick: stop, "aria-label": "Stop the recording" }, "Stop"),
  ];
}

function other() {
  length = null;
  return OTHERS[shown.state] ? h("a", { href: "/recorder", class: "badge queued" }, OTHERS[shown.state]) : [];
}

/** A page may have changed its title meanwhile. */
function tick() {
  const plain = document.title.startsWith(MARK) ? document.title.slice(MARK.length) : document.title;
  const title = shown.state === "recording" ? MARK + plain : plain;
  if (document.title !== title) document.title = title;
  if (length) length.textContent = clock((Date.now() - shown.startedMs) / 1000);
}

async function stop({ target }) {
  target.disabled = true;
  try {
    const outcome = await send("POST", "/api/v1/recorder/stop", { session_id: shown.session_id });
    const isQueued = outcome.state === "queued";
    toast(isQueued ? `“${outcome.title}” is in the queue.` : `“${outcome.title}” is saved.`);
  } catch (error) {
    complain(error);
  } finally {
    target.disabled = false;
  }
}

byId("recording-sign").append(said, box);
on("desk", ({ recorder }) => show(recorder));
