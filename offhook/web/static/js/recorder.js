/** The page of the recorder: one button, both meters, and in words what to mind. */

import "./desk.js";
import { send } from "./api.js";
import { byId, fill, h, pageData } from "./dom.js";
import { clock } from "./format.js";
import { bind } from "./keys.js";
import { LiveText } from "./live_text.js";
import { Meter } from "./meters.js";
import { discard, showCalls, showLast } from "./recorder_calls.js";
import { Devices } from "./recorder_devices.js";
import { complain, toast } from "./toast.js";

const SURE_MS = 3000;
/** The other side is heard again from here on, as a level from 0 to 1. */
const HEARD = 0.01;
/** Passages of the running call that are shown here; its page has all of them. */
const PASSAGES = 60;
const ACKNOWLEDGED = "offhook.recorder.consent";

const { view: first, chosen } = pageData();
const meters = { microphone: new Meter(byId("meter-microphone")), loopback: new Meter(byId("meter-loopback")) };
const devices = new Devices(chosen);
const live = new LiveText(() => {}, PASSAGES);
let view = first;
let isBusy = false;
let shownSecond = -1;
let askedToStopAt = -Infinity;

// What the stream brings

function show(found) {
  const before = view;
  view = found;
  const isRecording = view.state === "recording";
  byId("recorder").dataset.state = isRecording ? "recording" : "idle";
  showWorker();
  showButtons();
  showNotices();
  showConsent();
  showFields(before);
  showLast(isRecording ? null : view.last);
  showCalls(view.calls);
  if (isRecording) showLive();
  if (isRecording) return showSeconds(view.duration_seconds);
  Object.values(meters).forEach((meter) => meter.reset());
  showSeconds(0);
}

function showLevels({ mic, mic_peak, loopback, loopback_peak, seconds }) {
  if (view.state !== "recording") return;
  meters.microphone.show(mic, mic_peak);
  meters.loopback.show(loopback, loopback_peak);
  showSeconds(seconds);
  if (loopback > HEARD) overcome("loopback_silent");
}

function showSeconds(seconds) {
  if (Math.floor(seconds) === shownSecond) return;
  shownSecond = Math.floor(seconds);
  byId("elapsed").textContent = clock(seconds);
}

function showWorker() {
  const box = byId("worker");
  box.hidden = view.worker.runs !== false;
  if (!box.hidden) say(box, `${view.worker.message} Recording is not possible without it.`);
}

/** The text stays after the call has ended, until the next one begins. */
function showLive() {
  byId("live").hidden = false;
  byId("live-page").href = `/calls/${view.session_id}`;
  live.follow(view.session_id);
}

function showButtons() {
  const isRecording = view.state === "recording";
  const waits = view.calls.some((call) => call.state === "stopped");
  byId("toggle-label").textContent = isRecording ? "Stop" : "Start recording";
  byId("toggle").disabled = isBusy || view.worker.runs === false || (waits && !isRecording);
  byId("discard").hidden = !isRecording;
  say(byId("status"), isRecording ? `Recording “${view.title}”.` : waits ? "Decide about the call below first." : "Nothing is being recorded.");
  for (const side of ["microphone", "loopback"]) {
    say(byId(`device-${side}`), isRecording ? view[side] ?? "no device" : side === "microphone" ? "microphone" : "what you hear");
  }
}

/** Notices that stay are left in place: a live region would read them again. */
function showNotices() {
  const list = byId("notices");
  const kept = new Map([...list.children].map((item) => [item.dataset.key, item]));
  const items = view.notices.map((notice) => {
    const item = kept.get(`${notice.code} ${notice.message}`) ?? itemOf(notice);
    item.dataset.times = notice.times;
    item.className = notice.is_over || item.dataset.overAt === item.dataset.times ? "message is-over" : "message warning";
    return item;
  });
  if (items.length !== list.children.length || items.some((item, place) => item !== list.children[place])) fill(list, items);
}

function itemOf({ code, message, remedy }) {
  return h("li", { dataset: { key: `${code} ${message}`, code } }, h("p", {}, message), remedy && h("p", { class: "hint" }, remedy));
}

/** Only the meters can tell that it is over. */
function overcome(code) {
  for (const item of byId("notices").children) {
    if (item.dataset.code !== code || item.dataset.overAt === item.dataset.times) continue;
    item.dataset.overAt = item.dataset.times;
    item.className = "message is-over";
  }
}

function showConsent() {
  byId("consent").hidden = !view.consent || sessionStorage.getItem(ACKNOWLEDGED) === view.session_id;
  say(byId("consent-text"), view.consent ?? "");
}

/** The fields tell what the running recording is about; its candidate and project can still be changed. */
function showFields(before) {
  const isRecording = view.state === "recording";
  for (const name of ["microphone", "loopback", "layout"]) byId(name).disabled = isRecording;
  byId("title").disabled = byId("live-wanted").disabled = isRecording;
  if (before.session_id === view.session_id && before !== first && before.state === view.state) return;
  if (!isRecording && before.state !== "recording") return;
  for (const name of ["title", "candidate_id", "project_id"]) byId(name).value = (isRecording && view[name]) || "";
}

/** Write a text, and leave it alone if it is there: a live region would read it again. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// What the person does

const start = () => acting(async () => {
  const about = Object.fromEntries(["title", "candidate_id", "project_id"].map((name) => [name, byId(name).value]));
  const { checked } = byId("live-wanted");
  const wanted = checked === chosen.live ? {} : { live: checked };
  show(await send("POST", "/api/v1/recorder/start", { ...about, ...devices.given, ...wanted }));
});

const stop = () => acting(async () => {
  const outcome = await send("POST", "/api/v1/recorder/stop", { session_id: view.session_id });
  if (outcome.state === "queued") toast(`“${outcome.title}” is in the queue.`);
  if (outcome.error) complain(new Error(outcome.error));
});

async function acting(act) {
  if (isBusy) return;
  isBusy = true;
  byId("toggle").disabled = true;
  try {
    await act();
  } catch (error) {
    complain(error);
  } finally {
    isBusy = false;
    showButtons();
  }
}

const toggle = () => (view.state === "recording" ? stop() : start());

/** A key may be pressed by accident: it starts at once, and stops when it is pressed a second time. */
function toggleByKey() {
  if (byId("toggle").disabled) return;
  const isSure = performance.now() - askedToStopAt < SURE_MS;
  if (view.state !== "recording" || isSure) {
    askedToStopAt = -Infinity;
    toggle();
    return;
  }
  askedToStopAt = performance.now();
  toast("Press r again to stop the recording.", { forMs: SURE_MS });
}

async function attach() {
  if (view.state !== "recording") return;
  const body = { session_id: view.session_id, candidate_id: byId("candidate_id").value, project_id: byId("project_id").value };
  try {
    await send("POST", "/api/v1/recorder/attach", body);
  } catch (error) {
    complain(error);
  }
}

byId("toggle").addEventListener("click", ({ detail }) => detail < 2 && toggle()); // a double click starts and does not stop
byId("discard").addEventListener("click", () => discard(view));
byId("about").addEventListener("submit", (event) => {
  event.preventDefault();
  if (view.state !== "recording" && !byId("toggle").disabled) start();
});
for (const name of ["candidate_id", "project_id"]) byId(name).addEventListener("change", attach);
byId("consent-done").addEventListener("click", () => {
  sessionStorage.setItem(ACKNOWLEDGED, view.session_id);
  showConsent();
  byId("main").focus(); // not the button that stops
});
bind("r", "Start to record; twice: stop", toggleByKey);
bind("d", "Delete the running recording, after a question", () => discard(view), { when: () => view.state === "recording" });
bind("t", "Go to the title", () => byId("title").focus(), { when: () => view.state !== "recording" });

// The stream

let wasAway = true;
const stream = new EventSource("/api/v1/recorder/events");
stream.addEventListener("state", ({ data }) => {
  const found = JSON.parse(data);
  if (found.worker.runs && wasAway) devices.look();
  wasAway = !found.worker.runs;
  show(found);
});
stream.addEventListener("levels", ({ data }) => showLevels(JSON.parse(data)));
stream.addEventListener("error", () => {
  const box = byId("worker");
  box.hidden = false;
  say(box, "The desk's server does not answer. A recording goes on all the same.");
});
window.addEventListener("pagehide", () => stream.close());
window.addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
show(first);
