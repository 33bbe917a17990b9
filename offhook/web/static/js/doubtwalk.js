/**
 * Walks through the doubts: each is played and shown at its place with a card, on which a person says that it
 * is right, or writes what is right.
 */
import { send } from "./api.js";
import { byId, debounced, fill, h } from "./dom.js";
import { KINDS, doubtCard, doubtsOf, keyOfDoubt, wordsOfDoubt } from "./doubts.js";
import { clock } from "./format.js";
import { bind } from "./keys.js";
import { complain, toast } from "./toast.js";
import { keyOf } from "./transcript.js";
import { VirtualList } from "./virtual.js";

/** So much is played before and after a doubt, ms. */
const AROUND_MS = 500;
const CHANGE_MS = 250;
const ROW_PX = 40;

export class DoubtWalk {
  #page;
  #doubts = [];
  #kinds = new Set(Object.keys(KINDS));
  #here = null; // the doubt at which the reader is
  #card = null;
  #content;
  #items = h("div", { class: "doubt-list", role: "list", "aria-label": "Doubts" });
  #list = null;
  #marked = -1; // the row of the list that is marked

  constructor(page) {
    this.#page = page;
    const { transcript, rows, panel } = page;
    const button = byId("open-doubts");
    this.#content = h("div", { class: "panel-body" });
    panel.add("doubts", { heading: "Doubts", button, content: this.#content, opened: () => this.#opened() });
    rows.addBelow((passage) => (this.#isHere(passage) ? [this.#card] : []));
    rows.addMarker((passage) => this.#marks(passage));
    const changed = debounced(CHANGE_MS, () => this.#collect());
    transcript.addEventListener("change", changed);
    changed();
    bind("d", "Next doubt: hear it, say what is right", () => this.go(1));
    bind("D", "Doubt before", () => this.go(-1));
  }

  go(step) {
    this.#collect();
    const place = this.#place();
    const next = this.#shown[step > 0 ? place.after : place.before];
    if (next) {
      this.visit(next);
      return;
    }
    if (this.#here && !this.#doubts.includes(this.#here)) this.leave();
    toast(this.#shown.length ? "There are no more doubts in this direction." : "There are no doubts left.");
  }

  get #shown() {
    return this.#doubts.filter((doubt) => this.#kinds.has(doubt.kind));
  }

  #isHere(passage) {
    return Boolean(this.#here) && keyOf(this.#here.passage) === keyOf(passage);
  }

  #marks(passage) {
    if (this.#here?.kind !== "word" || !this.#isHere(passage)) return [];
    return [["doubt-here", this.#here.offset, this.#here.length]];
  }

  #place() {
    const shown = this.#shown;
    const at = this.#here ?? { first: this.#page.reader.current?.first_word ?? 0, offset: -1, kind: "" };
    const order = (doubt) => doubt.first - at.first || KIND_ORDER[doubt.kind] - (KIND_ORDER[at.kind] ?? -1);
    const after = shown.findIndex((doubt) => order(doubt) > 0);
    const before = shown.findLastIndex((doubt) => order(doubt) < 0);
    return { after: after < 0 ? shown.length : after, before };
  }

  #count(doubt) {
    const place = this.#shown.findIndex((it) => keyOfDoubt(it) === keyOfDoubt(doubt)) + 1;
    return { place, count: this.#shown.length };
  }

  /** Go to a doubt, show its card and play it. */
  visit(doubt) {
    const { list, reader, follow, player } = this.#page;
    const before = this.#here;
    this.#here = doubt;
    this.#card = doubtCard(this.#page, this, doubt, this.#count(doubt));
    follow.stop();
    reader.point(doubt.passage);
    if (before && before.passage.segment < list.count) list.refresh([before.passage.segment]);
    list.scrollTo(doubt.passage.segment, list.isVisible(doubt.passage.segment) ? "nearest" : "center");
    list.refresh([doubt.passage.segment]);
    this.#page.rows.remark();
    this.#card.focus({ preventScroll: true });
    this.#card.scrollIntoView({ block: "nearest" });
    if (player.canPlay) player.playPart(Math.max(0, doubt.from - AROUND_MS), doubt.to + AROUND_MS);
    this.#showList();
  }

  leave() {
    const { passage } = this.#here;
    this.#here = null;
    this.#card = null;
    this.#page.list.refresh([passage.segment]);
    this.#page.rows.remark();
    this.#page.reader.choose(this.#page.transcript.passageOf(passage.first_word) ?? passage);
    this.#showList();
  }

  /** Say that it is right, or store what the field has; then go on. */
  async settle(doubt, field) {
    const { transcript } = this.#page;
    const { passage, first, last, kind } = doubt;
    const text = field ? field.value.trim() : null;
    const words = { first_word: first, last_word: last };
    try {
      if (text !== null && text !== wordsOfDoubt(doubt)) await this.#correct(doubt, text);
      else if (kind === "speaker") await this.#confirmSpeaker(passage, words);
      else await transcript.write(() => send("POST", `${transcript.path}/confirm`, words));
      this.go(1);
    } catch (error) {
      complain(error);
    }
  }

  async #confirmSpeaker(passage, words) {
    const { transcript } = this.#page;
    await transcript.write(() => send("POST", `${transcript.path}/speakers/assign`, { ...words, who: passage.speaker }));
    transcript.replace({ ...passage, is_doubtful: false, probability: null });
  }

  async #correct({ passage, offset, length }, said) {
    const { transcript } = this.#page;
    const text = passage.text.slice(0, offset) + said + passage.text.slice(offset + length);
    const body = { text, base: passage.version, last_word: passage.last_word };
    await transcript.write(() => send("PUT", `${transcript.path}/passages/${passage.first_word}`, body));
  }

  async teach(term) {
    try {
      await send("POST", "/api/v1/glossary", { term });
      toast(`“${term}” is in the glossary now. The next calls are heard with it.`);
    } catch (error) {
      complain(error);
    }
  }

  #collect() {
    this.#doubts = doubtsOf(this.#page.transcript.passages());
    byId("open-doubts").dataset.count = this.#doubts.length ? this.#doubts.length.toLocaleString("en") : "";
    if (this.#here) this.#renew();
    this.#showList();
  }

  /** The passage of the present doubt was changed: it may read otherwise, or be a doubt no more. */
  #renew() {
    const now = this.#doubts.find((doubt) => keyOfDoubt(doubt) === keyOfDoubt(this.#here));
    if (now && now.passage !== this.#here.passage) this.#here = now;
  }

  #opened() {
    const toggles = Object.entries(KINDS).map(([kind, name]) => {
      const change = ({ target }) => {
        if (target.checked) this.#kinds.add(kind);
        else this.#kinds.delete(kind);
        this.#showList();
      };
      const box = h("input", { type: "checkbox", checked: this.#kinds.has(kind), onchange: change });
      return h("label", { class: "choice" }, box, name, h("span", { class: "numeric quiet-text", dataset: { kind } }));
    });
    fill(this.#content,
      h("div", { class: "row" }, toggles),
      h("p", { class: "hint" }, "Press ", h("kbd", {}, "d"), " to hear one after another."),
      this.#items);
    this.#list?.close();
    this.#list = new VirtualList({
      element: this.#items,
      scroller: byId("panel"),
      key: keyOfDoubt,
      estimate: () => ROW_PX,
      render: (doubt, _, row) => this.#row(doubt, row),
    });
    this.#collect();
  }

  #showList() {
    if (this.#page.panel.open !== "doubts" || !this.#list) return;
    for (const count of this.#content.querySelectorAll("[data-kind]"))
      count.textContent = this.#doubts.filter((doubt) => doubt.kind === count.dataset.kind).length.toLocaleString("en");
    this.#list.setItems(this.#shown);
    const place = this.#here ? this.#list.indexOfKey(keyOfDoubt(this.#here)) : -1;
    this.#list.refresh([this.#marked, place].filter((it) => it >= 0 && it < this.#list.count));
    this.#marked = place;
    if (place >= 0) this.#list.scrollTo(place);
  }

  #row(doubt, row) {
    const element = row ?? h("div", { role: "listitem" });
    const { text } = doubt.passage;
    const before = doubt.kind === "word" ? text.slice(0, doubt.offset).split(" ").slice(-4).join(" ") : "";
    const after = doubt.kind === "word" ? text.slice(doubt.offset + doubt.length).split(" ").slice(0, 5).join(" ") : "";
    const isHere = this.#here && keyOfDoubt(this.#here) === keyOfDoubt(doubt);
    fill(element, h("button", { class: "doubt-row quiet", "aria-current": isHere ? "true" : null,
      onclick: () => this.visit(doubt) },
      h("span", { class: "numeric quiet-text" }, clock(doubt.from / 1000)),
      h("span", { class: "excerpt" }, before, h("b", {}, wordsOfDoubt(doubt)), after)));
    return element;
  }
}

/** At the same word the speaker comes first, then the passage, then the word. */
const KIND_ORDER = { speaker: 0, passage: 1, word: 2 };
