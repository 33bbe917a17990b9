/** Replaces words here or in all calls: first it shows every place, then it changes those that are chosen. */
import { send } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { openDialog } from "./dialog.js";
import { clock, counted } from "./format.js";
import { bind } from "./keys.js";
import { complain, toast } from "./toast.js";

export class Replacing {
  #page;
  #parts = {};
  #dialog = null;

  constructor(page) {
    this.#page = page;
    byId("open-replace").addEventListener("click", () => this.open(page.find.query));
    bind("h Ctrl+h", "Replace words", () => this.open(page.find.query));
  }

  open(old = "", by = "") {
    const field = (label, value) => h("input", { type: "text", "aria-label": label, placeholder: label, value,
      autocomplete: "off", maxlength: "200" });
    const parts = (this.#parts = {
      old: field("Replace", old),
      by: field("With", by === old ? "" : by),
      everywhere: h("input", { type: "checkbox" }),
      places: h("div", { class: "replace-places", role: "status" }),
      store: h("button", { class: "primary", disabled: true, onclick: () => this.#store() }, "Replace"),
    });
    const preview = (event) => {
      event.preventDefault();
      this.#preview();
    };
    this.#dialog = openDialog("Replace words",
      h("form", { class: "stack", onsubmit: preview },
        h("div", { class: "row" }, parts.old, h("span", {}, "with"), parts.by, h("button", { type: "submit" }, "Show places")),
        h("label", { class: "choice" }, parts.everywhere, "In all calls")),
      parts.places,
      h("div", { class: "actions" },
        h("button", { onclick: () => this.#dialog.close() }, "Cancel"), parts.store));
    for (const part of [parts.old, parts.by, parts.everywhere])
      part.addEventListener("input", () => (parts.store.disabled = true));
    (old ? parts.by : parts.old).focus();
    if (old) this.#preview();
  }

  get #wanted() {
    const { old, by, everywhere } = this.#parts;
    return { old: old.value.trim(), new: by.value.trim(), everywhere: everywhere.checked };
  }

  async #preview() {
    const { places, store } = this.#parts;
    if (!this.#wanted.old) return;
    try {
      const found = await this.#send(true);
      const count = found.reduce((sum, { places: some }) => sum + some.length, 0);
      const calls = found.length > 1 ? ` in ${counted(found.length, "call")}` : "";
      fill(places, h("p", { class: "hint" }, count ? `${counted(count, "place")}${calls}` : "Not found as whole words."),
        found.map((it) => this.#ofRecord(it, found.length > 1)));
      store.disabled = !count;
    } catch (error) {
      complain(error);
    }
  }

  #ofRecord({ record_id, title, places }, isTitled) {
    const rows = places.map((place) => this.#place(record_id, place));
    return [isTitled ? h("h3", {}, title) : null, h("ul", { class: "plain-list" }, rows)];
  }

  #place(record, { start_ms, before, found, new: by, after, first_word }) {
    const box = h("input", { type: "checkbox", checked: true, dataset: { record, word: first_word } });
    return h("li", {}, h("label", { class: "choice" }, box,
      h("span", { class: "numeric quiet-text" }, clock(start_ms / 1000)),
      h("span", {}, before, h("del", {}, found), " ", h("ins", {}, by), after)));
  }

  async #store() {
    const { transcript, history } = this.#page;
    const { places } = this.#parts;
    const boxes = [...places.querySelectorAll("input[type=checkbox]")];
    const chosen = boxes.filter((box) => box.checked);
    const only = chosen.length < boxes.length
      ? chosen.map(({ dataset }) => ({ record_id: Number(dataset.record), first_word: Number(dataset.word) }))
      : null;
    try {
      await transcript.write(() => this.#send(false, only));
      this.#dialog.close();
      const undo = this.#wanted.everywhere ? undefined : () => history.undo();
      toast(`Replaced in ${counted(chosen.length, "place")}.`, { undo });
    } catch (error) {
      complain(error);
    }
  }

  async #send(preview, only = null) {
    const body = { ...this.#wanted, preview, ...(only ? { only } : {}) };
    const { records } = await send("POST", `${this.#page.transcript.path}/replace`, body);
    return records;
  }
}
