/** Notes of persons at moments of the record: shown at their passages and in a list. */
import { get, send } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { clock } from "./format.js";
import { bind } from "./keys.js";
import { complain, toast } from "./toast.js";
import { hashOf } from "./tokens.js";

export class Notes extends EventTarget {
  #transcript;
  #player;
  #rows;
  #list;
  #notes = [];
  #elements = new Map(); // number of a note -> its element
  #writing = null; // the form that is open: { id, at_ms, element }
  #content = h("div", { class: "panel-body" });
  #going;

  /** @param {(ms: number) => void} going goes to a moment */
  constructor({ transcript, player, rows, list, panel }, current, going) {
    super();
    [this.#transcript, this.#player, this.#rows, this.#list] = [transcript, player, rows, list];
    this.#going = going;
    const button = byId("open-notes");
    panel.add("notes", { heading: "Notes", button, content: this.#content, opened: () => this.#fill() });
    rows.addBelow((passage) => this.#below(passage));
    bind("m", "Write a note at this moment", () => this.write(current()));
    this.load();
  }

  get moments() {
    return this.#notes.map((note) => note.at_ms);
  }

  async load() {
    try {
      const found = await get(`${this.#transcript.path}/notes`);
      this.#take(found.notes ?? found);
    } catch (error) {
      complain(error);
    }
  }

  write(ms) {
    const save = (text) => this.#add(Math.round(ms), text);
    this.#open({ at_ms: ms, element: this.#form(`Note at ${clock(ms / 1000)}`, "", save) });
  }

  #open(form) {
    this.#close();
    this.#writing = form;
    const segment = this.#segmentOf(form);
    this.#list.scrollTo(segment);
    this.#list.refresh([segment]);
    form.element.querySelector("textarea").focus({ preventScroll: true });
    form.element.scrollIntoView({ block: "nearest" });
  }

  #close() {
    const form = this.#writing;
    this.#writing = null;
    if (form && this.#list.count) this.#list.refresh([this.#segmentOf(form)]);
  }

  #take(notes) {
    const before = this.#notes.map((note) => this.#segmentOf(note));
    this.#notes = notes.toSorted((a, b) => a.at_ms - b.at_ms);
    this.#elements = new Map(this.#notes.map((note) => [note.id, this.#shown(note)]));
    const now = this.#notes.map((note) => this.#segmentOf(note));
    this.#list.refresh([...new Set([...before, ...now])].filter((it) => it < this.#list.count));
    byId("open-notes").dataset.count = notes.length || "";
    this.#fill();
    this.dispatchEvent(new Event("change"));
  }

  #segmentOf(note) {
    return Math.max(0, this.#transcript.segmentAt(note.at_ms));
  }

  /** Those at it, or after it and before the next one. */
  #below(passage) {
    const next = this.#transcript.beside(passage, 1);
    const isFirst = passage.segment === 0 && !this.#transcript.beside(passage);
    const [from, to] = [isFirst ? 0 : passage.start_ms, next ? next.start_ms : Infinity];
    const isHere = ({ at_ms }) => from <= at_ms && at_ms < to;
    const form = this.#writing;
    const notes = this.#notes.filter((note) => isHere(note) && note.id !== form?.id);
    const shown = notes.map((note) => this.#elements.get(note.id));
    return form && isHere(form) ? [...shown, form.element] : shown;
  }

  #shown(note) {
    const save = (text) => this.#change(note, text);
    const edit = () => this.#open({ ...note, element: this.#form("Note", note.text, save) });
    const button = (label, act) =>
      h("button", { class: "quiet small", onclick: act, "aria-label": `${label} note: ${note.text}` },
        label);
    return h("div", { class: "note" },
      h("a", { class: "time numeric", href: hashOf(note.at_ms) }, clock(note.at_ms / 1000)),
      h("span", { class: "note-text" }, note.text),
      button("Edit", edit), button("Delete", () => this.#delete(note)));
  }

  #form(label, text, save) {
    const field = h("textarea", { rows: "2", "aria-label": label, placeholder: label, value: text });
    const close = () => this.#close();
    const form = h("form", { class: "note-form" }, field,
      h("div", { class: "row" }, h("button", { type: "submit", class: "primary small" }, "Save note"),
        h("button", { class: "quiet small", onclick: close }, "Cancel")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (field.value.trim()) save(field.value.trim()).then(close, complain);
      else close();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
      else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) form.requestSubmit();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    return form;
  }

  async #add(at_ms, text) {
    await send("POST", `${this.#transcript.path}/notes`, { at_ms, text });
    await this.load();
  }

  async #change(note, text) {
    await send("PATCH", `${this.#transcript.path}/notes/${note.id}`, { text });
    await this.load();
  }

  async #delete(note) {
    try {
      await send("DELETE", `${this.#transcript.path}/notes/${note.id}`);
      await this.load();
      toast("Note deleted.", { undo: () => this.#add(note.at_ms, note.text).catch(complain) });
    } catch (error) {
      complain(error);
    }
  }

  #fill() {
    const go = (note) => (event) => {
      event.preventDefault();
      this.#going(note.at_ms);
    };
    const entries = this.#notes.map((note) =>
      h("li", {}, h("a", { href: hashOf(note.at_ms), onclick: go(note) },
        h("span", { class: "numeric" }, clock(note.at_ms / 1000)), " ", note.text)));
    const now = () => this.write(this.#player.ms);
    fill(this.#content,
      h("p", { class: "hint" }, "A note belongs to a moment. Press ", h("kbd", {}, "m"), " to write one."),
      h("button", { class: "small", onclick: now }, "Note at this moment"),
      entries.length ? h("ul", { class: "plain-list" }, entries) : null);
  }
}
