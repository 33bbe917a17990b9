/** Passages of a running call: words of one speaker without a long pause, each passage one text node. */

import { h } from "./dom.js";
import { clock } from "./format.js";
import { hashOf } from "./pointing.js";
import { look, shapeOf } from "./voices.js";

const PAUSE_MS = 2000;
/** A passage of so many letters ends with its sentence. */
const LONG = 300;
const START = 0;

export class LivePassages {
  names = {};
  page = ""; // of the call
  #list;
  #passages = []; // { start_ms, end_ms, speaker, text, tokens, words, element }

  constructor(list) {
    this.#list = list;
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

  /** The passage at a moment. */
  of(ms) {
    return this.#passages.findLast((it) => it.start_ms <= ms);
  }

  /** The first passage that ends below a height in the view. */
  below(top) {
    return this.#passages.find(({ element }) => element.getBoundingClientRect().bottom > top);
  }

  /** Words as a screen reader says them: with who says them. */
  spoken(words) {
    return grouped(words).map(({ speaker, text }) => `${this.#name(speaker)} ${text}`).join("\n");
  }

  #name(speaker) {
    return speaker ? this.names[speaker] ?? speaker : "";
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
    const [start, end, text, speaker] = word;
    let last = found.at(-1);
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
