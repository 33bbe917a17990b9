/**
 * Where the reader is: the passage that keys act on, and how a person moves between text and sound.
 *
 * A click on a word plays from there. `#t=83.2` in the address goes to a moment and marks it.
 */
import { byId, h } from "./dom.js";
import { clock } from "./format.js";
import { bind } from "./keys.js";
import { openDialog } from "./dialog.js";
import { toast } from "./toast.js";
import { LENGTH, OFFSET, START, hashOf, momentOf, selectedWords, tokenAtTime, wordAt } from "./tokens.js";
import { keyOf } from "./transcript.js";

/** A second click within this time is a double click, which edits; before that nothing is played, ms. */
const DOUBLE_MS = 240;

export class Reader extends EventTarget {
  #page;
  #current = null;
  #linked = null; // { key, token } of the moment in the address
  #timer = 0;

  constructor(page) {
    super();
    this.#page = page;
    page.rows.addDecoration((passage, element) => this.#decorate(passage, element));
    page.rows.addMarker((passage) => this.#marks(passage));
    const element = byId("passages");
    element.addEventListener("click", (event) => this.#clicked(event));
    element.addEventListener("dblclick", (event) => this.#doubleClicked(event));
    element.addEventListener("focusin", ({ target }) => {
      const found = page.rows.at(target);
      if (found) this.#choose(found.passage);
    });
    window.addEventListener("hashchange", () => this.#followLink());
    this.#bind();
  }

  /** The passage that keys act on: the one chosen last, or the one that is spoken, or the first in the view. */
  get current() {
    const { transcript, player, list } = this.#page;
    if (this.#current) return transcript.passageOf(this.#current.first_word ?? -1) ?? this.#current;
    const spoken = player.ms > 0 ? transcript.spokenAt(player.ms)?.passage : null;
    return spoken ?? transcript.passages(Math.max(0, list.visible[0])).next().value ?? null;
  }

  get chosen() {
    return this.#current;
  }

  /** The moment that a note or a link is for: what is played, or else the passage that was chosen, ms. */
  get ms() {
    const { player } = this.#page;
    const passage = this.current;
    if (player.isPlaying || !passage) return player.ms;
    const isInside = player.ms >= passage.start_ms && player.ms < passage.end_ms;
    return isInside ? player.ms : passage.start_ms;
  }

  /** What is repeated if a person asks for that: the selection, or the passage. */
  loop() {
    const selected = selectedWords(this.#page.rows);
    if (selected) return { from: selected.from, to: selected.to };
    const passage = this.current;
    return passage && { from: passage.start_ms, to: passage.end_ms };
  }

  begin() {
    this.#followLink();
  }

  point(passage) {
    this.#choose(passage);
  }

  choose(passage) {
    const { list, rows } = this.#page;
    list.scrollTo(passage.segment);
    this.#choose(passage);
    rows.textOf(passage)?.focus({ preventScroll: true });
  }

  async goTo(ms, { isMarked = false } = {}) {
    const { transcript, player, list, rows } = this.#page;
    player.seek(ms);
    const segment = Math.max(0, transcript.segmentAt(ms + 1));
    list.scrollTo(segment, "center");
    await transcript.loaded(segment);
    const passage = transcript.spokenAt(ms + 1)?.passage ?? transcript.segments[segment]?.passages?.[0];
    if (!passage) return;
    if (isMarked) this.#linked = { key: keyOf(passage), token: passage.tokens[tokenAtTime(passage, ms + 1)] };
    this.choose(passage);
    rows.remark();
  }

  /** Go to a place that was found, without leaving the field in which it is searched; null goes back. */
  goToPlace(place) {
    if (!place) {
      if (this.current) this.choose(this.current);
      return;
    }
    this.#choose(place.passage);
    const token = place.passage.tokens.findLast((it) => it[OFFSET] <= place.offset);
    if (token && !this.#page.player.isPlaying) this.#page.player.seek(token[START]);
  }

  async copyLink(ms = this.ms) {
    const url = new URL(location.href);
    url.hash = hashOf(ms);
    await navigator.clipboard.writeText(url.href);
    toast(`The link to ${clock(ms / 1000)} is copied.`);
  }

  #bind() {
    const { editor } = this.#page;
    bind("ArrowDown", "Next passage", () => this.#step(1));
    bind("ArrowUp", "Passage before", () => this.#step(-1));
    bind("e Enter", "Edit the passage", () => this.current && editor.open(this.current));
    bind("p", "Play from the passage", () => this.current && this.#play(this.current.start_ms));
    bind("c", "Copy a link to this moment", () => this.copyLink());
    bind("g", "Go to a time", () => this.#askTime());
  }

  #play(ms) {
    this.#page.player.seek(ms);
    this.#page.player.play();
  }

  #step(step) {
    const { transcript, follow } = this.#page;
    const passage = this.current;
    if (!passage) return;
    const next = this.#current ? transcript.beside(passage, step) : passage;
    follow.stop();
    if (next) this.choose(next);
  }

  #choose(passage) {
    if (this.#current && keyOf(this.#current) === keyOf(passage)) {
      this.#current = passage;
      return;
    }
    this.#current = passage;
    this.#page.transcript.near = passage.segment;
    this.#page.rows.remark();
    this.dispatchEvent(new Event("change"));
  }

  #decorate(passage, element) {
    const isCurrent = Boolean(this.#current) && keyOf(passage) === keyOf(this.#current);
    element.classList.toggle("current", isCurrent);
    element.classList.toggle("linked", this.#linked?.key === keyOf(passage));
    const text = element.querySelector(".text");
    const isReached = isCurrent || (!this.#current && passage.segment === 0); // Tab goes through one passage alone
    for (const part of [text, ...element.querySelectorAll(".speaker, .time")]) part.tabIndex = isReached ? 0 : -1;
  }

  #marks(passage) {
    const token = this.#linked?.key === keyOf(passage) ? this.#linked.token : null;
    return token ? [["linked", token[OFFSET], token[LENGTH]]] : [];
  }

  #clicked(event) {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const found = this.#page.rows.at(event.target);
    if (!found) return;
    const link = event.target.closest(".time");
    if (link) {
      event.preventDefault();
      this.#play(momentOf(link.hash));
    } else if (event.target.closest(".text")) this.#clickedText(event, found);
  }

  /** Play from a word; a click that ends a selection, or the second of a double click, does not. */
  #clickedText(event, { passage, text }) {
    clearTimeout(this.#timer);
    if (!document.getSelection().isCollapsed || event.detail > 1) return;
    this.#choose(passage);
    const { token } = wordAt(passage, text, event.clientX, event.clientY);
    if (!token) return;
    const { player } = this.#page;
    player.seek(token[START]);
    if (!player.isPlaying) this.#timer = setTimeout(() => player.play(), DOUBLE_MS);
  }

  #doubleClicked(event) {
    const found = this.#page.rows.at(event.target);
    if (!found || !event.target.closest(".text")) return;
    event.preventDefault();
    clearTimeout(this.#timer);
    const { offset } = wordAt(found.passage, found.text, event.clientX, event.clientY);
    document.getSelection().removeAllRanges();
    this.#page.editor.open(found.passage, { selection: [offset, offset] });
  }

  #followLink() {
    const ms = momentOf(location.hash);
    if (ms !== null) this.goTo(ms, { isMarked: true });
  }

  #askTime() {
    const field = h("input", { type: "text", "aria-label": "Time", placeholder: "1:02:03", autofocus: true,
      value: clock(this.#page.player.ms / 1000) });
    const go = (event) => {
      event.preventDefault();
      const ms = milliseconds(field.value);
      if (ms === null) return field.setCustomValidity("Write a time such as 1:02:03."), field.reportValidity();
      dialog.close();
      return this.goTo(ms);
    };
    field.addEventListener("input", () => field.setCustomValidity(""));
    const dialog = openDialog("Go to a time",
      h("form", { class: "row", onsubmit: go }, field, h("button", { type: "submit", class: "primary" }, "Go")));
    field.select();
  }
}

/** Read a time such as `1:02:03` or `83.5`, ms; null if it is none. */
function milliseconds(text) {
  const parts = text.trim().split(":");
  const isTime = parts.length <= 3 && parts.every((part) => /^\d+(?:\.\d+)?$/.test(part));
  return isTime ? parts.reduce((sum, part) => sum * 60 + Number(part), 0) * 1000 : null;
}
