/** Recordings that a person sends: dropped anywhere on a page, or chosen; two at once. */

import { get } from "./api.js";
import { byId, h } from "./dom.js";
import { counted } from "./format.js";
import { complain, toast } from "./toast.js";
import { Sending, cancelUpload, fingerprint, lockName, locks } from "./sending.js";
import { UploadPanel } from "./upload_panel.js";

const AT_ONCE = 2;
const NAMED = 3;

const bar = byId("uploads");
const endings = bar?.dataset.endings.split(" ") ?? [];
const sendings = [];
const panel = new UploadPanel({ pause: (sending) => sending.pause(), resume, cancel, dismiss });

const input = h("input", { type: "file", multiple: true, accept: endings.join(","), hidden: true });
const button = h("button", { id: "add-recordings", onclick: () => input.click() }, "Add recordings");
const overlay = h("div", { class: "drop-overlay", hidden: true }, h("p", {}, "Drop recordings here to transcribe them"));

if (bar) begin();

function begin() {
  (byId("upload-slot") ?? bar).append(button, input);
  document.body.append(overlay, panel.element);
  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });
  for (const [type, act] of Object.entries({ dragenter: drag, dragover: drag, dragleave: leave, drop })) {
    window.addEventListener(type, act);
  }
  window.addEventListener("beforeunload", (event) => {
    if (sendings.some((it) => !it.isOver && it.state !== "paused")) event.preventDefault();
  });
  showInterrupted();
}

function drag(event) {
  if (!hasFiles(event.dataTransfer)) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "copy";
  overlay.hidden = false;
}

function leave(event) {
  if (event.relatedTarget === null) overlay.hidden = true; // out of the window
}

async function drop(event) {
  overlay.hidden = true;
  if (!hasFiles(event.dataTransfer)) return;
  event.preventDefault();
  try {
    add(await filesOf(event.dataTransfer));
  } catch (error) {
    complain(error);
  }
}

function add(files) {
  const isRecording = ({ name }) => endings.some((ending) => name.toLowerCase().endsWith(ending));
  const others = files.filter((file) => !isRecording(file));
  if (others.length) complain(new Error(`${namesOf(others)}: not a recording, by the ending of the name.`));
  const known = new Set(sendings.filter((it) => !it.isOver).map((it) => fingerprint(it.file)));
  const fresh = files.filter((file) => isRecording(file) && !known.has(fingerprint(file)));
  for (const file of fresh) {
    panel.remove(fingerprint(file));
    const sending = new Sending(file, changed);
    sendings.push(sending);
    panel.show(sending);
  }
  if (fresh.length) panel.say(`Sending ${counted(fresh.length, "recording")}`);
  next();
}

function namesOf(files) {
  const names = files.slice(0, NAMED).map(({ name }) => name);
  return [...names, ...(files.length > NAMED ? [`${files.length - NAMED} more`] : [])].join(", ");
}

function next() {
  const free = AT_ONCE - sendings.filter((it) => it.isRunning).length;
  const waiting = sendings.filter((it) => it.state === "waiting" && !it.isRunning);
  for (const sending of waiting.slice(0, Math.max(0, free))) {
    sending.isRunning = true;
    sending.run().finally(() => {
      sending.isRunning = false;
      next();
    });
  }
}

function changed(sending) {
  panel.show(sending);
  if (sending.state === "done" && sending.wasKnown) toast(`${sending.name} is known already.`);
}

function resume(sending) {
  sending.state = "waiting";
  panel.show(sending);
  next();
}

function cancel(sending) {
  sending.cancel().catch(complain);
  dismiss(sending);
  panel.say(`${sending.name}: cancelled`);
}

function dismiss(sending) {
  const index = sendings.indexOf(sending);
  if (index >= 0) sendings.splice(index, 1);
  panel.remove(sending);
}

/** Show what an earlier page has begun, so that a person drops it again or cancels it. */
async function showInterrupted() {
  try {
    const [{ uploads }, { held }] = await Promise.all([get("/api/v1/uploads"), locks.query()]);
    const elsewhere = new Set(held.map(({ name }) => name));
    for (const upload of uploads) {
      if (!upload.fingerprint || elsewhere.has(lockName(upload.fingerprint))) continue;
      if (sendings.some((it) => fingerprint(it.file) === upload.fingerprint)) continue;
      panel.showInterrupted(upload, () => cancelUpload(`/api/v1/uploads/${upload.id}`).catch(complain));
    }
  } catch (error) {
    complain(error);
  }
}

/** The entries must be taken before the event is over. */
async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  return (await Promise.all(entries.map(walk))).flat();
}

async function walk(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (let batch; (batch = await read(reader)).length; ) found.push(...batch); // at most 100 at once
  const inside = found.filter(({ name }) => !name.startsWith("."));
  return (await Promise.all(inside.map(walk))).flat();
}

const read = (reader) => new Promise((resolve, reject) => reader.readEntries(resolve, reject));

const hasFiles = (transfer) => [...(transfer?.types ?? [])].includes("Files");
