/** How the desk stands: paused or not, who works, and what a person can put right. */

import { byId, fill, h } from "./dom.js";
import { setPaused } from "./queue_actions.js";
import { STATES } from "./queue_row.js";

const KINDS = { worker: "Transcription worker", capture: "Capture worker", inbox: "Inbox", web: "This server" };

export function showDesk(desk) {
  showPause(desk.paused);
  showNotices(desk);
  showRunning(desk.recorder);
  showProcesses(desk.workers);
}

function showPause(isPaused) {
  const button = byId("pause");
  button.textContent = isPaused ? "Resume" : "Pause";
  button.title = isPaused ? "Let workers take calls again" : "Let workers finish their calls and take no further ones";
  button.onclick = () => setPaused(!isPaused);
  byId("paused").hidden = !isPaused;
}

/** Fill in only what is new, so that a screen reader says it once. */
function showNotices({ notices }) {
  const key = JSON.stringify(notices);
  const box = byId("notices");
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  fill(box, notices.map(({ text, type }) =>
    h("p", { class: "message warning" }, text, type && [" To start one, type ", h("code", {}, type), "."])));
}

function showRunning({ state, session_id, title, waits }) {
  const box = byId("running");
  box.hidden = state !== "recording";
  if (!box.hidden) fill(box, h("a", { href: `/calls/${session_id}` }, title), " is being recorded. ", waits);
}

function showProcesses(workers) {
  fill(byId("processes"), workers.map(({ kind, state, pid, alive }) =>
    h("li", { class: alive ? "" : "is-gone" },
      `${KINDS[kind] ?? kind}: ${alive ? state : "gone"} `, h("span", { class: "quiet-text" }, `(process ${pid})`))));
  const living = workers.filter(({ alive }) => alive).length;
  byId("processes-count").textContent = String(living);
}

/** `choose` is called with a state, null for all. */
export function showChips(counts, status, choose) {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const chips = [[null, "All", all], ...Object.entries(STATES).map(([state, name]) => [state, name, counts[state] ?? 0])];
  const box = byId("chips");
  if (!box.children.length) fill(box, chips.map(([state]) => chip(state, choose)));
  for (const [place, [state, name, count]] of chips.entries()) {
    const button = box.children[place];
    button.setAttribute("aria-pressed", String(state === status));
    button.firstChild.textContent = `${name} `;
    button.lastChild.textContent = count.toLocaleString("en");
  }
}

const chip = (state, choose) =>
  h("button", { class: "chip", onclick: () => choose(state) }, h("span", {}), h("span", { class: "numeric" }));
