/** The text of a running call as it comes: final passages, and below them what is not final yet. */

import { get } from "./api.js";
import { byId, h } from "./dom.js";
import { clock } from "./format.js";
import { complain } from "./toast.js";
import { hashOf } from "./tokens.js";
import { look, shapeOf } from "./voices.js";

/** So near to its end a reader follows the text, px. */
const NEAR_END = 40;
const AGAIN_MS = 3000;
/** More words at once, as after a long absence, are not read out. */
const MOST_SAID = 200;

const PAUSE_MS = 2000;
/** A passage of so many letters ends with its sentence. */
const LONG = 300;
const START = 0;
const NOTHING = { is_whole: true, final: [], provisional: [], last: null, earlier: null };

export class LiveText {
  #final = new LivePassages(byId("live-final"));
  #provisional = new LivePassages(byId("live-provisional").lastElementChild);
  #scroller = byId("live-scroll");
  #earlier = null; // the window before which there is more text
  #last = null; // the last window that is shown
  #isAtEnd = true;
  #id = null;
  #says = "";
  #source = null;
  #tell;
  #most;

  /** `tell` gets how the call goes, null when it is discarded; `most` passages are kept, all of them without it. */
  constructor(tell, most = Infinity) {
    [this.#tell, this.#most] = [tell, most];
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    byId("live-end").addEventListener("click", () => {
      this.#toEnd();
      this.#scroller.focus({ preventScroll: true });
    });
    new ResizeObserver(() => this.#isAtEnd && this.#toEnd()).observe(this.#scroller);
    byId("live-earlier").addEventListener("click", () => this.#goBack());
    if (most === Infinity) {
      const seen = ([{ isIntersecting }]) => isIntersecting && this.#goBack();
      new IntersectionObserver(seen, { root: this.#scroller }).observe(byId("live-earlier"));
    }
    document.addEventListener("visibilitychange", () => this.#open()); // browsers allow six connections
  }

  /** Show the text of a call; `text` is what is known of it. */
  follow(id, names = {}, text = NOTHING) {
    if (id === this.#id) return;
    this.#id = id;
    this.#final.page = this.#provisional.page = `/calls/${id}`;
    this.#name(names);
    this.#take(text);
    this.#open();
  }

  at(element) {
    return this.#final.at(element);
  }

  /** Where a reader is who has scrolled back, ms; null at the end. */
  get ms() {
    const top = this.#scroller.getBoundingClientRect().top;
    return this.#isAtEnd ? null : this.#final.below(top)?.start_ms ?? null;
  }

  goTo(ms) {
    this.#final.of(ms)?.element.scrollIntoView({ block: "center" });
  }

  #path(rest) {
    return `/api/v1/calls/${this.#id}/live${rest}`;
  }

  #open() {
    this.#source?.close();
    if (document.hidden || !this.#id) return;
    const source = (this.#source = new EventSource(this.#path(`/events${this.#last === null ? "" : `?after=${this.#last}`}`)));
    source.addEventListener("text", ({ data }) => this.#take(JSON.parse(data)));
    source.addEventListener("call", ({ data }) => this.#show(JSON.parse(data)));
    source.addEventListener("gone", () => {
      source.close();
      this.#tell(null);
    });
    source.addEventListener("error", () => source.readyState === EventSource.CLOSED && this.#ask(source));
  }

  /** The stream was refused, and an event source does not say why: the call may be gone meanwhile. */
  async #ask(source) {
    const refusal = await get(this.#path("/earlier?before=0")).catch((error) => error);
    if (refusal.status === 404) this.#tell(null);
    else setTimeout(() => source === this.#source && this.#open(), AGAIN_MS);
  }

  #show(call) {
    this.#name(call.names);
    byId("live-says").textContent = call.says;
    const kind = call.says.replace(/\d+/g, ""); // a number that changes is not read out each time
    if (this.#says && kind !== this.#says) this.#say(call.says);
    this.#says = kind;
    if (call.has_moved) {
      this.#source.close();
      byId("live-provisional").hidden = true;
    }
    this.#tell(call);
  }

  #name(names) {
    this.#final.names = this.#provisional.names = names;
  }

  #take({ is_whole, final, provisional, last, earlier }) {
    if (is_whole) {
      this.#final.clear();
      this.#goesBackFrom(earlier);
    }
    this.#final.add(final);
    this.#provisional.clear();
    this.#provisional.add(provisional);
    byId("live-provisional").hidden = !provisional.length;
    this.#last = last;
    if (!is_whole && final.length && final.length <= MOST_SAID) this.#say(this.#final.spoken(final));
    if (!this.#isAtEnd) return;
    this.#final.keep(this.#most);
    this.#toEnd();
  }

  async #goBack() {
    const before = this.#earlier;
    if (before === null) return;
    this.#goesBackFrom(null);
    try {
      const { final, earlier } = await get(this.#path(`/earlier?before=${before}`));
      const [height, top] = [this.#scroller.scrollHeight, this.#scroller.scrollTop];
      this.#final.add(final);
      this.#goesBackFrom(earlier);
      this.#scroller.scrollTop = top + this.#scroller.scrollHeight - height; // what is read stays where it is
    } catch (error) {
      this.#goesBackFrom(before);
      complain(error);
    }
  }

  #goesBackFrom(window) {
    this.#earlier = window;
    byId("live-earlier").hidden = window === null || this.#most < Infinity;
  }

  #say(text) {
    byId("live-said").replaceChildren(h("span", {}, text));
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    byId("live-end").hidden = this.#isAtEnd;
  }

  #toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}

/** Passages: words of one speaker without a long pause, each passage one text node. */
class LivePassages {
  page = ""; // of the call
  #names = {};
  #list;
  #passages = []; // { start_ms, end_ms, speaker, text, tokens, words, element }

  constructor(list) {
    this.#list = list;
  }

  /** How speakers are called; a candidate may be named while the call runs. */
  set names(names) {
    this.#names = names;
    for (const { speaker, element } of this.#passages) if (speaker) element.querySelector("strong").textContent = this.#name(speaker);
  }

  clear() {
    this.#passages = [];
    this.#list.replaceChildren();
  }

  /** Add words, in order; those of another channel may belong before words that are there. */
  add(words) {
    if (!words.length) return;
    const place = Math.max(0, this.#passages.findLastIndex((it) => it.start_ms <= words[0][START]));
    const replaced = this.#passages.splice(place);
    const all = [...replaced.flatMap((it) => it.words), ...words].sort((a, b) => a[START] - b[START]);
    const elements = new Map(replaced.map((it) => [keyOf(it), it.element]));
    const made = grouped(all);
    const kept = new Set(made.map(keyOf));
    for (const [key, element] of elements) if (!kept.has(key)) element.remove();
    made.forEach((passage, index) => {
      passage.element = this.#row(passage, elements.get(keyOf(passage)));
      const there = this.#list.children[place + index] ?? null;
      if (there !== passage.element) this.#list.insertBefore(passage.element, there);
    });
    this.#passages.push(...made);
  }

  /** Keep the last passages alone. */
  keep(most) {
    for (const { element } of this.#passages.splice(0, Math.max(0, this.#passages.length - most))) element.remove();
  }

  at(element) {
    const row = element.closest(".live-passage");
    return this.#passages.find((it) => it.element === row) ?? null;
  }

  of(ms) {
    return this.#passages.findLast((it) => it.start_ms <= ms);
  }

  /** The first passage that ends below a height in the view. */
  below(top) {
    return this.#passages.find(({ element }) => element.getBoundingClientRect().bottom > top);
  }

  spoken(words) {
    return grouped(words).map(({ speaker, text }) => `${this.#name(speaker)} ${text}`).join("\n");
  }

  #name(speaker) {
    return speaker ? this.#names[speaker] ?? speaker : "";
  }

  /** The row of a passage; a text that has grown keeps its node, in which somebody may select. */
  #row({ start_ms, speaker, text }, known) {
    const node = known?.lastElementChild.firstChild;
    if (node && text.startsWith(node.data)) node.appendData(text.slice(node.data.length));
    else if (node) node.data = text;
    return known ?? h("div", { class: `live-passage ${look(speaker).className}` },
      h("p", { class: "live-side" }, speaker && [shapeOf(speaker), h("strong", {}, this.#name(speaker))],
        h("a", { class: "time numeric", href: this.page + hashOf(start_ms), title: "Play from here" }, clock(start_ms / 1000))),
      h("p", { class: "text", dir: "auto" }, text));
  }
}

const keyOf = ({ start_ms, speaker }) => `${start_ms} ${speaker}`;

/** Tokens are as in a transcript: first and last word, start, end, offset, length. */
function grouped(words) {
  const found = [];
  for (const word of words) {
    const [start, end, text] = word;
    let last = found.at(-1);
    const speaker = word[3] ?? last?.speaker; // the newest words have none yet
    const isLong = last?.text.length > LONG && /[.?!…]$/.test(last.text);
    if (!last || last.speaker !== speaker || start - last.end_ms > PAUSE_MS || isLong)
      found.push((last = { start_ms: start, speaker, text: "", tokens: [], words: [] }));
    const said = last.text ? text : text.trimStart();
    const offset = last.text.length + said.length - said.trimStart().length;
    last.tokens.push([0, 0, start, end, offset, said.trim().length]);
    last.words.push(word);
    last.text += said;
    last.end_ms = end;
  }
  return found;
}
