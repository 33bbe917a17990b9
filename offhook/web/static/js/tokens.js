/** Tokens of a passage as the server sends them, a list each: what stands where in it. */
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

/** The last token that begins at or before a time; -1 before the first one. */
export function tokenAtTime(passage, ms) {
  return partition(passage.tokens, (token) => token[START] > ms) - 1;
}

/** The token at a position in the text, or the one before it; -1 before the first one. */
export function tokenAtOffset(passage, offset) {
  return partition(passage.tokens, (token) => token[OFFSET] > offset) - 1;
}

/** The first and the last word that a part of the text touches; null where it has none. */
export function wordsBetween(passage, begin, end) {
  const first = Math.max(0, tokenAtOffset(passage, begin));
  const last = partition(passage.tokens, (token) => token[OFFSET] >= end) - 1;
  const [from, to] = [passage.tokens[first], passage.tokens[Math.max(first, last)]];
  return from ? [from[FIRST], to[LAST]] : null;
}
