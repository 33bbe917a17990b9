/**
 * Marks on the text of passages, by the CSS Custom Highlight API: ranges over the one text node that a passage
 * has, so no word needs an element of its own. Browsers without it show the text without marks.
 */
import { CORRECTED, LENGTH, OFFSET, PROBABILITY, WRITTEN } from "./tokens.js";

/** A word that is less probable is marked as doubtful. */
const DOUBTFUL_WORD = 0.5;

const isKnown = typeof Highlight === "function" && "highlights" in CSS;
const registry = new Map();

function registered(name, priority = 0) {
  if (!registry.has(name)) {
    const highlight = new Highlight();
    highlight.priority = priority;
    CSS.highlights.set(name, highlight);
    registry.set(name, highlight);
  }
  return registry.get(name);
}

/** Later names are drawn over earlier ones. */
const PRIORITIES = ["unsure-speaker", "unsure-word", "corrected", "linked", "found", "found-here", "spoken", "doubt-here"];
if (isKnown) PRIORITIES.forEach(registered);

function rangeOf(node, offset, length) {
  const end = Math.min(node.length, offset + length);
  const [startContainer, endContainer] = [node, node];
  return new StaticRange({ startContainer, startOffset: Math.min(offset, end), endContainer, endOffset: end });
}

/** The ranges of one passage. */
export class Marks {
  #ranges = []; // [name, range]

  /** Mark parts of a text node: a list of `[name, offset, length]`. */
  set(node, parts) {
    this.clear();
    if (!isKnown || !node) return;
    for (const [name, offset, length] of parts) {
      const range = rangeOf(node, offset, length);
      registered(name).add(range);
      this.#ranges.push([name, range]);
    }
  }

  clear() {
    for (const [name, range] of this.#ranges) registered(name).delete(range);
    this.#ranges = [];
  }
}

/** Whether a word is one that a person should hear again. */
export const isDoubtful = (token) =>
  token[PROBABILITY] !== null && token[PROBABILITY] < DOUBTFUL_WORD && !token[CORRECTED] && token[LENGTH] > 0;

/** What is marked in a passage at all times. */
export function standingMarks(passage) {
  const parts = [];
  for (const token of passage.tokens) {
    const place = [token[OFFSET], token[LENGTH]];
    if (token[CORRECTED] === WRITTEN) parts.push(["corrected", ...place]);
    else if (isDoubtful(token)) parts.push(["unsure-word", ...place]);
  }
  if (passage.is_doubtful) parts.push(["unsure-speaker", 0, passage.text.length]);
  return parts;
}
