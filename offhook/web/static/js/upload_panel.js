/** The list of recordings that are being sent, at the foot of the page. */

import { fill, h } from "./dom.js";
import { lengthInWords, size } from "./format.js";

const SAID_MS = 5000;
const TEXTS = {
  waiting: () => "Waiting",
  sending: (it) => [`${size(it.sent)} of ${size(it.size)}`, rate(it), left(it)].filter(Boolean).join(", "),
  paused: (it) => `Paused at ${percent(it)} %`,
  away: (it) => it.message,
  checking: () => "Being checked",
  done: (it) => (it.wasKnown ? "Known already" : "In the queue"),
  failed: (it) => it.message,
};

const percent = (it) => (it.size ? Math.floor((100 * it.sent) / it.size) : 100);
const rate = (it) => (it.bytesPerSecond ? `${size(it.bytesPerSecond)}/s` : "");
const left = (it) => (it.secondsLeft === null ? "" : `${lengthInWords(Math.max(1, it.secondsLeft))} left`);

/** `actions`: pause, resume, cancel, dismiss. */
export class UploadPanel {
  #actions;
  #rows = new Map(); // a Sending, or the fingerprint of an interrupted upload -> its row
  #list = h("ul", {});
  #heading = h("h2", { tabindex: "-1" }, "Recordings being sent");
  #live = h("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  #clearing = h("button", { class: "quiet", hidden: true, onclick: () => this.#clear() }, "Clear");
  #saidAt = 0;
  #quarters = new Map();

  constructor(actions) {
    this.#actions = actions;
    this.box = h("section", { class: "uploads-panel", "aria-label": "Recordings being sent", hidden: true },
      h("div", { class: "row" }, this.#heading, h("span", { class: "grow" }), this.#clearing), this.#list);
    this.element = h("div", {}, this.box, this.#live);
  }

  show(sending) {
    if (sending.state === "cancelled") return;
    let row = this.#rows.get(sending);
    if (!row) {
      row = this.#row(sending.name);
      this.#add(sending, row);
    }
    row.bar.value = sending.size ? sending.sent / sending.size : 1;
    row.text.textContent = TEXTS[sending.state](sending);
    row.text.classList.toggle("is-failed", sending.state === "failed");
    if (row.state !== sending.state) {
      row.state = sending.state;
      this.#setButtons(row, sending);
    }
    this.#showClearing();
    this.#tell(sending);
  }

  /** Show an upload whose file this page does not have. */
  showInterrupted(upload, cancel) {
    const row = this.#row(upload.name);
    row.bar.value = upload.offset / upload.size_bytes;
    row.text.textContent = `Interrupted at ${Math.floor((100 * upload.offset) / upload.size_bytes)} %. Drop the file again to go on.`;
    fill(row.buttons, labelled("Cancel", upload.name, () => { cancel(); this.remove(upload.fingerprint); }));
    this.#add(upload.fingerprint, row);
  }

  remove(key) {
    const row = this.#rows.get(key);
    if (!row) return;
    const hadFocus = row.element.contains(document.activeElement);
    row.element.remove();
    this.#rows.delete(key);
    this.#quarters.delete(key);
    this.box.hidden = !this.#rows.size;
    this.#showClearing();
    if (hadFocus) (this.#rows.size ? this.#heading : document.getElementById("add-recordings")).focus();
  }

  /** Have a screen reader say something when it is free. */
  say(text) {
    this.#saidAt = performance.now();
    this.#live.textContent = text;
  }

  #add(key, row) {
    this.#rows.set(key, row);
    this.#list.append(row.element);
    this.box.hidden = false;
  }

  #row(name) {
    const bar = h("progress", { max: "1", value: 0, "aria-label": name });
    const text = h("span", { class: "hint numeric" });
    const buttons = h("span", { class: "row" });
    const title = h("span", { class: "upload-name", title: name }, name);
    const element = h("li", {}, h("div", { class: "row" }, title, h("span", { class: "grow" }), buttons), bar, text);
    return { element, bar, text, buttons, state: null };
  }

  #setButtons(row, sending) {
    const { pause, resume, cancel, dismiss } = this.#actions;
    const button = (label, act) => labelled(label, sending.name, () => act(sending));
    const hadFocus = row.buttons.contains(document.activeElement);
    const open = sending.record && h("a", { href: `/records/${sending.record.id}`, "aria-label": `Open ${sending.name}` }, "Open");
    const shown = {
      paused: () => [button("Go on", resume), button("Cancel", cancel)],
      done: () => [open, button("Dismiss", dismiss)],
      failed: () => [button("Try again", resume), button("Dismiss", cancel)],
      checking: () => [],
    }[sending.state] ?? (() => [button("Pause", pause), button("Cancel", cancel)]);
    if (sameLabels(row.buttons, fill(h("span"), shown()))) return;
    fill(row.buttons, shown());
    if (hadFocus) (row.buttons.querySelector("button, a") ?? this.#heading).focus();
  }

  /** Say how far a long upload is, by quarters, and how each one ends. */
  #tell(sending) {
    const step = sending.isOver ? sending.state : Math.floor((4 * sending.sent) / (sending.size || 1));
    const before = this.#quarters.get(sending) ?? 0;
    if (step === before) return;
    if (!sending.isOver && performance.now() - this.#saidAt < SAID_MS) return;
    this.#quarters.set(sending, step);
    this.say(sending.isOver ? `${sending.name}: ${TEXTS[sending.state](sending)}` : `${sending.name}: ${25 * step} percent sent`);
  }

  #showClearing() {
    this.#clearing.hidden = ![...this.#rows.keys()].some(({ state }) => state === "done");
  }

  #clear() {
    for (const key of [...this.#rows.keys()]) if (key.state === "done") this.#actions.dismiss(key);
  }
}

const labelled = (label, name, act) =>
  h("button", { class: "quiet", "aria-label": `${label}: ${name}`, onclick: act }, label);

const sameLabels = (one, other) => one.textContent === other.textContent && one.childElementCount > 0;
