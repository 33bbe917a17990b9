/** Tokens of a passage as the server sends them, a list each; and what a person points at: a word, words, a moment. */
export const FIRST = 0; // number of the first word
export const LAST = 1;
export const START = 2; // ms
export const END = 3;
export const OFFSET = 4; // UTF-16 position in the passage's text
export const LENGTH = 5;
export const PROBABILITY = 6; // of the word; null where none is known
export const CORRECTED = 7; // WRITTEN if a person wrote it, 2 if one said that it is right, else 0
export const WRITTEN = 1;

/** The number of items of a sorted list before the first for which `isAfter` is true. */
export function partition(items, isAfter) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isAfter(items[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** -1 before the first one. */
export function tokenAtTime(passage, ms) {
  return partition(passage.tokens, (token) => token[START] > ms) - 1;
}

/** The one before it, if none is there. */
export function tokenAtOffset(passage, offset) {
  return partition(passage.tokens, (token) => token[OFFSET] > offset) - 1;
}

export function wordsBetween(passage, begin, end) {
  const first = Math.max(0, tokenAtOffset(passage, begin));
  const last = partition(passage.tokens, (token) => token[OFFSET] >= end) - 1;
  const [from, to] = [passage.tokens[first], passage.tokens[Math.max(first, last)]];
  return from ? [from[FIRST], to[LAST]] : null;
}

/** The end of an address that goes to a moment: `#t=83.2`. Rounded up, so that what begins there is meant. */
export const hashOf = (ms) => `#t=${Math.ceil(ms / 10) / 100}`;

export function momentOf(hash) {
  const found = /^#t=(\d+(?:\.\d+)?)$/.exec(hash);
  return found && Number(found[1]) * 1000;
}

/** A click so near to a word still means it, px. */
const NEAR = 6;

function caretAt(x, y) {
  if (document.caretPositionFromPoint) {
    const found = document.caretPositionFromPoint(x, y);
    return found && { node: found.offsetNode, offset: found.offset };
  }
  const range = document.caretRangeFromPoint?.(x, y);
  return range && { node: range.startContainer, offset: range.startOffset };
}

/** The position in a passage's text at a point, and the token there: `{ offset, token }`; `token` may be null. */
export function wordAt(passage, text, x, y) {
  const caret = caretAt(x, y);
  if (caret?.node !== text.firstChild) return { offset: 0, token: null };
  const token = passage.tokens[tokenAtOffset(passage, caret.offset)];
  return { offset: caret.offset, token: token && isOn(text.firstChild, token, x, y) ? token : null };
}

function isOn(node, token, x, y) {
  const range = document.createRange();
  range.setStart(node, Math.min(token[OFFSET], node.length));
  range.setEnd(node, Math.min(token[OFFSET] + token[LENGTH], node.length));
  return [...range.getClientRects()].some(
    (box) => x >= box.left - NEAR && x <= box.right + NEAR && y >= box.top - NEAR && y <= box.bottom + NEAR,
  );
}

/**
 * The words that are selected in the transcript: `{ words: [first, last], from, to, passage }` with times in
 * ms; null if none are.
 */
export function selectedWords(rows) {
  const selection = document.getSelection();
  if (!selection || selection.isCollapsed || !selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  const [begin, end] = [rows.at(range.startContainer), rows.at(range.endContainer)];
  if (!begin || !end || !begin.passage.tokens.length || !end.passage.tokens.length) return null;
  const isText = (node) => node.nodeType === Node.TEXT_NODE;
  const startAt = isText(range.startContainer) ? range.startOffset : 0;
  const endAt = isText(range.endContainer) ? range.endOffset : 0;
  const first = wordsBetween(begin.passage, startAt, startAt + 1)?.[0];
  const last = wordsBetween(end.passage, 0, Math.max(1, endAt))?.[1];
  if (first === undefined || last === undefined || last < first) return null;
  const token = begin.passage.tokens[Math.max(0, tokenAtOffset(begin.passage, startAt))];
  const lastToken = end.passage.tokens[Math.max(0, tokenAtOffset(end.passage, Math.max(0, endAt - 1)))];
  return { words: [first, last], from: token[START], to: lastToken[END], passage: begin.passage };
}
