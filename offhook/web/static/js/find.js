/** Finds words in the transcript: marks all places, counts them, and goes from one to the next. */
import { byId, debounced } from "./dom.js";
import { bind } from "./keys.js";
import { findAll } from "./matching.js";
import { keyOf } from "./transcript.js";

const TYPING_MS = 60;
/** After a change in the transcript it is searched again, so long after the last one. */
const CHANGE_MS = 400;

export class Find {
  #transcript;
  #rows;
  #list;
  #field = byId("find");
  #count = byId("find-count");
  #places = [];
  #byKey = new Map(); // key of a passage -> places in it
  #here = -1;

  /** @param {(place: object) => void} went called when the reader goes to a place */
  constructor({ transcript, rows, list }, went) {
    [this.#transcript, this.#rows, this.#list] = [transcript, rows, list];
    this.went = went;
    rows.addMarker((passage) => this.#marks(passage));
    const typed = debounced(TYPING_MS, () => this.#search());
    this.#field.addEventListener("input", typed);
    this.#field.addEventListener("keydown", (event) => this.#pressed(event, typed));
    byId("find-next").addEventListener("click", () => this.go(1));
    byId("find-previous").addEventListener("click", () => this.go(-1));
    const changed = debounced(CHANGE_MS, () => this.query && this.#search());
    transcript.addEventListener("change", changed);
    this.#bind();
  }

  get query() {
    return this.#field.value.trim();
  }

  /** Search for a text, and go to the first place at or after what is in the view. */
  open(text = this.query) {
    this.#field.value = text;
    this.#field.focus();
    this.#field.select();
    this.#search();
  }

  go(step) {
    if (!this.#places.length) return;
    const count = this.#places.length;
    this.#here = this.#here < 0 ? this.#firstInView(step) : (this.#here + step + count) % count;
    this.#show();
    const place = this.#places[this.#here];
    this.#list.scrollTo(place.passage.segment, this.#list.isVisible(place.passage.segment) ? "nearest" : "center");
    this.#rows.remark();
    this.went(place);
  }

  #bind() {
    const isElsewhere = () => document.activeElement !== this.#field; // a second Ctrl+F is the browser's own
    const open = () => this.open(document.getSelection().toString().trim() || this.query);
    bind("/", "Find", open);
    bind("Ctrl+f", "Find", open, { whileTyping: true, when: isElsewhere });
    bind("n", "Next place found", () => this.go(1));
    bind("N", "Place found before", () => this.go(-1));
  }

  #pressed(event, typed) {
    if (event.key === "Enter") {
      event.preventDefault();
      typed.flush();
      this.go(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.#field.value = "";
      this.#search();
      this.#field.blur();
      this.went(null);
    }
  }

  #search() {
    const before = this.#places[this.#here];
    this.#places = findAll(this.#transcript.passages(), this.query);
    this.#byKey = Map.groupBy(this.#places, (place) => keyOf(place.passage));
    this.#here = before
      ? this.#places.findIndex((it) => keyOf(it.passage) === keyOf(before.passage) && it.offset === before.offset)
      : -1;
    this.#show();
    this.#rows.remark();
  }

  #marks(passage) {
    const here = this.#places[this.#here];
    const places = this.#byKey.get(keyOf(passage)) ?? [];
    return places.map((place) => [place === here ? "found-here" : "found", place.offset, place.length]);
  }

  #firstInView(step) {
    const [first, last] = this.#list.visible;
    if (step < 0) {
      const before = this.#places.findLastIndex((place) => place.passage.segment <= last);
      return before < 0 ? this.#places.length - 1 : before;
    }
    return Math.max(0, this.#places.findIndex((place) => place.passage.segment >= first));
  }

  #show() {
    const [count, at] = [this.#places.length, this.#here + 1];
    const more = this.#transcript.isComplete ? "" : "+";
    const found = count ? `${at ? `${at} of ` : ""}${count.toLocaleString("en")}${more}` : `None${more}`;
    this.#count.textContent = this.query ? found : "";
    byId("find-bar").classList.toggle("has-query", Boolean(this.query));
  }
}
