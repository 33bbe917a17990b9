/** The rows of the transcript: a segment each, with its passages, of one text node each. */
import { h } from "./dom.js";
import { clock } from "./format.js";
import { Marks, standingMarks } from "./highlight.js";
import { hashOf } from "./tokens.js";
import { keyOf } from "./transcript.js";
import { look, shapeOf } from "./voices.js";

/** Px of a line of text, of a name above it, of the space around a passage, and of a letter on average. */
const LINE = 27;
const NAME = 30;
const SPACE = 8;
const LETTER = 7.6;
/** A list this wide has times and names in a column of their own, px. */
const WIDE = 620;
const MARGIN = 136;

/** The height of a segment before it is shown, px. */
export function estimate(segment, width) {
  const room = Math.max(160, width >= WIDE ? width - MARGIN : width - 24);
  const name = width >= WIDE ? 0 : NAME / 2;
  return LINE * Math.max(1, Math.ceil((segment.characters * LETTER) / room)) + SPACE + name;
}

export class PassageRows {
  #transcript;
  #shown = new Map(); // text element -> { passage, standing: Marks, passing: Marks }
  #markers = []; // passage -> [[name, offset, length], ...]
  #additions = []; // passage -> elements below its text
  #decorations = []; // (passage, element), called after each passage was made or brought up to date
  #overlay = (passage) => passage;

  constructor(transcript) {
    this.#transcript = transcript;
  }

  /** With text that is not stored yet. */
  set overlay(overlay) {
    this.#overlay = overlay;
  }

  /** `remark` asks it again. */
  addMarker(marker) {
    this.#markers.push(marker);
  }

  /** It gets each passage and its element, whenever that was made or brought up to date. */
  addDecoration(decorate) {
    this.#decorations.push(decorate);
  }

  addBelow(maker) {
    this.#additions.push(maker);
  }

  /** Make a segment's row, or bring it up to date. An open editor in it stays. */
  render(segment, row) {
    const element = row ?? h("div", { class: "segment", role: "listitem" });
    if (!segment.passages) return this.#waiting(segment, element);
    element.style.minHeight = "";
    const before = new Map([...element.children].map((child) => [child.dataset.key, child]));
    const wanted = segment.passages.map((passage) => {
      const known = before.get(String(keyOf(passage)));
      return this.#passage(this.#overlay(passage), known ?? null);
    });
    for (const child of before.values()) {
      if (!wanted.includes(child) && !child.querySelector(".editor")) this.#dropped(child, true);
    }
    wanted.forEach((child, place) => {
      if (element.children[place] !== child) element.insertBefore(child, element.children[place] ?? null);
    });
    return element;
  }

  /** Take the marks of a row out that has left the document. */
  removed(row) {
    for (const child of row.children) this.#dropped(child, false);
  }

  elementOf(passage) {
    return this.textOf(passage)?.parentElement ?? null;
  }

  textOf(passage) {
    const key = keyOf(passage);
    for (const [element, shown] of this.#shown) if (keyOf(shown.passage) === key) return element;
    return null;
  }

  /** The passage that a node is in, as it is shown, and its element. */
  at(node) {
    const element = (node?.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest?.(".passage");
    const text = element?.querySelector(".text");
    const shown = text && this.#shown.get(text);
    return shown ? { passage: shown.passage, element, text } : null;
  }

  remark() {
    for (const [text, shown] of this.#shown) {
      this.#mark(text, shown);
      for (const decorate of this.#decorations) decorate(shown.passage, text.parentElement);
    }
  }

  #waiting(segment, element) {
    element.style.minHeight = `${estimate(segment, element.clientWidth || WIDE)}px`;
    element.replaceChildren(h("div", { class: "passage waiting", "aria-label": "Loading" }));
    return element;
  }

  #dropped(child, isToGo) {
    const text = child.querySelector(".text");
    const shown = this.#shown.get(text);
    shown?.standing.clear();
    shown?.passing.clear();
    this.#shown.delete(text);
    if (isToGo) child.remove();
  }

  #passage(passage, known) {
    const element = known ?? h("div", { class: "passage", dataset: { key: keyOf(passage) } });
    if (!known) element.append(h("div", { class: "side" }), this.#text());
    const [side, text] = [element.firstChild, element.querySelector(".text")];
    element.classList.toggle("goes-on", this.#fillSide(side, passage));
    if (text.firstChild.data !== passage.text) text.firstChild.data = passage.text;
    text.classList.toggle("empty", !passage.text);
    element.classList.toggle("pending", Boolean(passage.isPending));
    element.className = element.className.replace(/ ?voice-\w+/, "") + ` ${look(passage.speaker).className}`;
    fillBelow(element, this.#additions.flatMap((maker) => maker(passage)));
    const shown = this.#shown.get(text) ?? { standing: new Marks(), passing: new Marks() };
    shown.passage = passage;
    this.#shown.set(text, shown);
    this.#mark(text, shown);
    for (const decorate of this.#decorations) decorate(passage, element);
    return element;
  }

  #text() {
    const text = h("p", { class: "text", tabindex: "-1", dir: "auto" });
    text.append(document.createTextNode(""));
    return text;
  }

  /** Show who speaks, and when; whether it is the one who spoke before. */
  #fillSide(side, passage) {
    const before = this.#transcript.beside(passage);
    const goesOn = before && before.speaker === passage.speaker && before.name === passage.name;
    const link = { class: "time numeric", href: hashOf(passage.start_ms), title: "Play from here" };
    side.replaceChildren(...this.#name(passage, goesOn), h("a", link, clock(passage.start_ms / 1000)));
    return Boolean(goesOn);
  }

  #name(passage, goesOn) {
    if (!passage.name) return [];
    const isDoubtful = passage.is_doubtful;
    const doubt = isDoubtful ? h("span", { class: "doubt" }, " (?)") : null;
    if (goesOn) return [h("span", { class: "visually-hidden" }, passage.name, doubt)];
    const how = isDoubtful ? "It is not sure who says this. " : "";
    const props = { class: "speaker quiet", title: `${how}Rename, or give to another speaker` };
    return [h("button", props, shapeOf(passage.speaker), h("span", { class: "name" }, passage.name), doubt)];
  }

  #mark(element, shown) {
    const node = element.firstChild;
    shown.standing.set(node, shown.passage.isPending ? [] : standingMarks(shown.passage));
    shown.passing.set(node, this.#markers.flatMap((marker) => marker(shown.passage)));
  }
}

/** Show these elements below a passage; those that are there are not moved, since one may have the focus. */
function fillBelow(element, wanted) {
  let below = element.querySelector(".below");
  if (!below && !wanted.length) return;
  below ??= element.appendChild(h("div", { class: "below" }));
  const isSame = wanted.length === below.children.length && wanted.every((it, place) => it === below.children[place]);
  if (!isSame) below.replaceChildren(...wanted);
}
