/** The page of a running call: its text as it comes, and a player of what is recorded already. */

import "./desk.js";
import { byId, fill, h, pageData } from "./dom.js";
import { clock } from "./format.js";
import { bind } from "./keys.js";
import { LiveText } from "./live_text.js";
import { START, hashOf, momentOf, wordAt } from "./tokens.js";

/** So much more sound is worth a new beginning of the player, ms. */
const MORE_MS = 1000;

const { call: first, text } = pageData();
const path = `/api/v1/calls/${first.session_id}`;
const sound = byId("sound");
let call = first;
let soundMs = 0; // how much the player has

const live = new LiveText(told);

/** Show how the call goes; go on to its record when its text is there. */
function told(found) {
  if (!found) return over("This recording was deleted.");
  call = found;
  tick();
  if (!soundMs) refresh();
  if (call.has_moved) return location.replace(recordAt(sound.paused ? live.ms : sound.currentTime * 1000));
  if (call.state !== "recording")
    over(call.says, call.record_id && [" ", h("a", { href: recordAt(null) }, "Open the recording")]);
}

const recordAt = (ms) => `/records/${call.record_id}${ms === null ? "" : hashOf(ms)}`;

function over(...content) {
  byId("over").hidden = false;
  fill(byId("over"), content);
}

function tick() {
  const isRunning = call.state === "recording";
  byId("elapsed").textContent = clock(isRunning ? (Date.now() - Date.parse(call.started_at)) / 1000 : call.duration_seconds);
}

/** Let the player have all that is recorded by now. */
function refresh(ms = sound.currentTime * 1000) {
  if (!call.sound_ms || (soundMs && call.sound_ms < soundMs + MORE_MS)) return;
  const plays = !sound.paused;
  soundMs = call.sound_ms;
  sound.src = `${path}/audio?until_ms=${soundMs}`;
  sound.currentTime = ms / 1000;
  if (plays) sound.play();
}

function playFrom(ms) {
  if (ms >= soundMs) refresh(ms);
  sound.currentTime = ms / 1000;
  sound.play();
}

sound.addEventListener("ended", () => call.sound_ms >= soundMs + MORE_MS && playFrom(soundMs));
for (const name of ["play", "pointerenter", "focus"]) sound.addEventListener(name, () => refresh());

bind("Space k", "Play or pause", () => (sound.paused ? sound.play() : sound.pause()));

byId("live-final").addEventListener("click", (event) => {
  const passage = live.at(event.target);
  if (!passage || event.ctrlKey || event.metaKey || event.shiftKey || !document.getSelection().isCollapsed) return;
  if (event.target.closest(".time")) {
    event.preventDefault();
    return playFrom(passage.start_ms);
  }
  const text = event.target.closest(".text");
  const token = text && wordAt(passage, text, event.clientX, event.clientY).token;
  if (token) playFrom(token[START]);
});

told(first);
live.follow(first.session_id, first.names, text);
const ms = momentOf(location.hash);
if (ms !== null) {
  sound.currentTime = ms / 1000;
  live.goTo(ms);
}
setInterval(tick, 1000);
