/** Finds words in the transcript: marks all places, counts them, and goes from one to the next. */
import { byId, debounced } from "./dom.js";
import { bind } from "./keys.js";
import { keyOf } from "./transcript.js";

const TYPING_MS = 60;
/** After the last change of the transcript. */
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

  /** `went` is called with a place to which the reader goes. */
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

const folded = new WeakMap(); // passage -> text to search in, as long as its text
const letters = new Map();

/** A letter without its accent, in lower case; itself where that would be longer or shorter. */
function foldLetter(letter) {
  let found = letters.get(letter);
  if (found === undefined) {
    const bare = letter.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    found = bare.length === letter.length ? bare : letter.toLowerCase().slice(0, letter.length) || letter;
    letters.set(letter, found);
  }
  return found;
}

/** A text for comparing: as long as before, in lower case, letters without accents, one kind of apostrophe. */
function fold(text) {
  return text.toLowerCase().length === text.length
    ? text.toLowerCase().replace(/[^\x00-\x7f]/g, (letter) => (letter === "’" ? "'" : foldLetter(letter)))
    : text.replace(/[^]/g, foldLetter);
}

function foldedText(passage) {
  let text = folded.get(passage);
  if (text === undefined) folded.set(passage, (text = fold(passage.text)));
  return text;
}

/** Places are `{ passage, offset, length }`. */
function findAll(passages, wanted) {
  const query = fold(wanted.trim().replace(/\s+/g, " "));
  const found = [];
  if (!query) return found;
  for (const passage of passages) {
    const text = foldedText(passage);
    for (let at = text.indexOf(query); at >= 0; at = text.indexOf(query, at + query.length))
      found.push({ passage, offset: at, length: query.length });
  }
  return found;
}
