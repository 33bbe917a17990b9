/**
 * Edits passages where they stand: one editor, which moves from passage to passage.
 *
 * What is typed is a draft (draft.js) until it is stored (outbox.js): by Enter, or when the editor loses the
 * focus. Escape leaves the passage as it was.
 */
import { h } from "./dom.js";
import { Draft, typingIn } from "./draft.js";
import { clock } from "./format.js";
import { toast } from "./toast.js";
import { hasWords, keyOf } from "./transcript.js";

const BACK_MS = 2000;
const HINT = "Enter stores · Tab plays · Shift+Tab goes back 2 s · Esc leaves";
const STATES = {
  same: "",
  typing: "",
  kept: "Unsaved text is kept.",
  here: "The server does not answer. Your text is kept in this browser.",
};

export class Editor extends EventTarget {
  #transcript;
  #rows;
  #list;
  #player;
  #outbox;
  #shelf;
  #open = null; // { passage, draft, theirs, release, element, field, state, note }

  constructor({ transcript, rows, list, player, outbox, shelf }) {
    super();
    [this.#transcript, this.#rows, this.#list] = [transcript, rows, list];
    [this.#player, this.#outbox, this.#shelf] = [player, outbox, shelf];
    transcript.addEventListener("change", () => this.#compare());
    outbox.addEventListener("stored", ({ detail }) => this.#rebase(detail.passage));
    window.addEventListener("pagehide", () => this.#open?.draft.flush({ keepalive: true }));
    window.addEventListener("blur", () => this.#open?.draft.flush());
  }

  get passage() {
    return this.#open?.passage ?? null;
  }

  /**
   * Edit a passage. `selection` is what is selected at first, `text` one to go on with that is not stored, `note`
   * what to say about it, and `theirs` the passage as somebody else stored it.
   */
  open(passage, how = {}) {
    if (this.#transcript.isGrowing) return toast("The text can be edited as soon as all of it is there.");
    if (!hasWords(passage)) return toast("The words here have no times, so they cannot be edited.");
    if (this.passage && keyOf(this.passage) === keyOf(passage)) return this.#open.field.focus();
    this.store();
    this.#list.scrollTo(passage.segment);
    const element = this.#rows.elementOf(passage);
    if (!element) return null;
    const text = how.text ?? this.#outbox.shown(passage).text;
    const draft = new Draft(this.#transcript.path, this.#shelf, passage, text);
    const release = typingIn(this.#transcript.path, passage.first_word);
    this.#open = { passage, draft, theirs: null, release, ...this.#build(passage, text) };
    element.querySelector(".text").after(this.#open.element);
    element.classList.add("editing");
    draft.addEventListener("state", () => this.#showState());
    if (how.text !== undefined && how.text !== passage.text) draft.type(text);
    if (how.note) this.#open.note.textContent = how.note;
    if (how.theirs) this.#conflict(how.theirs);
    this.#focus(how.selection ?? [text.length, text.length]);
    this.dispatchEvent(new Event("open"));
    return null;
  }

  /**
   * Store what was typed, and close. Where somebody else has changed the passage, a person must have chosen
   * (`isChosen`); otherwise the text stays unsaved, and a "left" event says so.
   */
  store({ isChosen = false } = {}) {
    if (!this.#open) return;
    const { passage, draft, theirs } = this.#open;
    this.#close();
    const base = theirs ?? passage;
    if (theirs && !isChosen) {
      draft.flush();
      const detail = { first_word: passage.first_word, text: draft.text, base: passage.version, at: Date.now() };
      this.dispatchEvent(new CustomEvent("left", { detail }));
      return;
    }
    if (draft.text.trim() === base.text.trim() && !this.#isWaiting(passage)) draft.drop();
    else this.#put(draft, base);
  }

  /** Close without storing; what was typed can be brought back. */
  leave() {
    if (!this.#open) return;
    const { passage, draft } = this.#open;
    const { text } = draft;
    this.#close();
    this.#rows.textOf(passage)?.focus({ preventScroll: true });
    draft.drop().then(() => this.#outbox.keep(passage.first_word));
    if (text.trim() === passage.text.trim()) return;
    const again = () => this.open(this.#transcript.passageOf(passage.first_word) ?? passage, { text });
    toast("Your changes were dropped.", { undo: again, label: "Bring them back" });
  }

  #isWaiting(passage) {
    return this.#outbox.shown(passage).isPending === true;
  }

  #put(draft, { first_word, last_word, version }) {
    this.#outbox.put({ first_word, last_word, base: version, text: draft.text }, draft.end());
  }

  #build(passage, text) {
    const field = h("textarea", {
      class: "edit-field",
      rows: "1",
      dir: "auto",
      spellcheck: "true",
      "aria-describedby": "edit-hint",
      "aria-label": `Text of ${passage.name ?? "the passage"} at ${clock(passage.start_ms / 1000)}`,
      value: text,
      oninput: () => this.#typed(),
      onkeydown: (event) => this.#pressed(event),
    });
    const state = h("span", { class: "edit-state", role: "status" });
    const note = h("span", { class: "edit-note" });
    const hint = h("span", { class: "edit-hint", id: "edit-hint" }, HINT);
    const foot = h("div", { class: "edit-foot" }, note, state, hint);
    const element = h("div", { class: "editor", onfocusout: (event) => this.#focusLeft(event) }, field, foot);
    return { element, field, state, note };
  }

  #focus([begin, end]) {
    const { field } = this.#open;
    fit(field);
    field.focus({ preventScroll: true });
    field.setSelectionRange(begin, end);
    this.#open.element.scrollIntoView({ block: "nearest" });
  }

  #typed() {
    const { field, draft, note } = this.#open;
    if (field.value.includes("\n")) field.value = field.value.replace(/\s*\n\s*/g, " ");
    fit(field);
    note.textContent = "";
    draft.type(field.value);
  }

  #pressed(event) {
    if (event.isComposing) return;
    const { field, passage } = this.#open;
    const isStart = field.selectionEnd === 0;
    const isEnd = field.selectionStart === field.value.length;
    const isPlain = !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey;
    const actions = {
      Enter: () => this.#goOn(passage, 1),
      Escape: () => this.leave(),
      Tab: () => (event.shiftKey ? this.#player.skip(-BACK_MS) : this.#playHere(passage)),
      ArrowUp: isStart && isPlain && (() => this.#goOn(passage, -1)),
      ArrowDown: isEnd && isPlain && (() => this.#goOn(passage, 1)),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
  }

  #playHere({ start_ms, end_ms }) {
    const { ms, isPlaying } = this.#player;
    if (!isPlaying && (ms < start_ms || ms >= end_ms)) this.#player.seek(start_ms);
    this.#player.toggle();
  }

  /** Store, and edit the passage after this one, or before it. */
  #goOn(passage, step) {
    this.store({ isChosen: true });
    let next = this.#transcript.beside(passage, step);
    while (next && !hasWords(next)) next = this.#transcript.beside(next, step);
    if (next) this.open(next, { selection: step > 0 ? [0, 0] : undefined });
    else this.#rows.textOf(passage)?.focus({ preventScroll: true });
  }

  /** The focus went somewhere else in this page: store. Another window is no reason to close the editor. */
  #focusLeft(event) {
    const { element, field, theirs } = this.#open ?? {};
    if (!element || element !== event.currentTarget || element.contains(event.relatedTarget)) return;
    if (theirs || document.activeElement === field || !document.hasFocus()) return;
    this.store();
  }

  #close() {
    const { element, release } = this.#open;
    this.#open = null;
    release();
    const passage = element.closest(".passage");
    passage?.classList.remove("editing");
    element.remove();
    this.dispatchEvent(new Event("close"));
  }

  #showState() {
    if (this.#open) this.#open.state.textContent = STATES[this.#open.draft.state];
  }

  /** An earlier text of the passage was stored: the typing goes on from that. */
  #rebase(passage) {
    if (!this.#open || this.#open.theirs || this.passage.first_word !== passage.first_word) return;
    this.#open.passage = passage;
    this.#open.draft.rebase(passage);
  }

  /** Somebody else may have changed the passage. */
  #compare() {
    if (!this.#open || this.#isWaiting(this.passage)) return;
    const now = this.#transcript.passageOf(this.passage.first_word);
    if (!now || now.version === (this.#open.theirs ?? this.passage).version) return;
    if (this.#open.draft.text === this.passage.text) this.#takeTheirs(now);
    else this.#conflict(now);
  }

  #takeTheirs(theirs) {
    const { field, draft } = this.#open;
    field.value = theirs.text;
    fit(field);
    draft.drop();
    const fresh = new Draft(this.#transcript.path, this.#shelf, theirs, theirs.text);
    fresh.addEventListener("state", () => this.#showState());
    this.#open = { ...this.#open, passage: theirs, draft: fresh, theirs: null };
    this.#open.element.querySelector(".conflict")?.remove();
  }

  #conflict(theirs) {
    this.#open.theirs = theirs;
    const { element, field } = this.#open;
    element.querySelector(".conflict")?.remove();
    const button = (label, act, style = "") =>
      h("button", { class: style, onclick: () => (act(), field.focus()) }, label);
    const keep = () => this.store({ isChosen: true });
    element.prepend(
      h("div", { class: "conflict", role: "alert" },
        h("p", {}, h("strong", {}, "Changed in another window: "), h("span", { class: "theirs" }, theirs.text)),
        h("p", { class: "hint" }, "Your text is below. You can go on editing it."),
        h("div", { class: "row" },
          button("Keep mine", keep, "primary"),
          button("Take theirs", () => this.#takeTheirs(theirs)))),
    );
  }
}

/** Where the browser does not do it itself. */
function fit(field) {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}
