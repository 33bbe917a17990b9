/** What a person should hear again: improbable words, speakers who are not sure, passages that are flagged. */
import { isDoubtful } from "./highlight.js";
import { CORRECTED, END, FIRST, LAST, LENGTH, OFFSET, PROBABILITY, START } from "./tokens.js";
import { hasWords } from "./transcript.js";

export const KINDS = { word: "Words", speaker: "Speakers", passage: "Passages" };

/** The doubts of some passages, in order: `{ kind, passage, first, last, from, to, offset, length }`. */
export function doubtsOf(passages) {
  const found = [];
  for (const passage of passages) {
    if (!hasWords(passage)) continue;
    if (passage.is_doubtful) found.push(whole("speaker", passage));
    if (passage.doubts.length && !passage.tokens.every((token) => token[CORRECTED]))
      found.push(whole("passage", passage));
    found.push(...words(passage));
  }
  return found;
}

export const keyOfDoubt = (doubt) => `${doubt.kind} ${doubt.first}`;

export const wordsOfDoubt = ({ passage, offset, length }) => passage.text.slice(offset, offset + length);

export function reasonOf({ kind, passage, probability }) {
  if (kind === "word") return `The machine is ${percent(probability)} sure of this.`;
  if (kind === "passage") return passage.doubts.map((doubt) => REASONS[doubt] ?? doubt).join(" ");
  const { name, probability: sure } = passage;
  return sure === null ? "It is not known who says this." : `It is ${percent(sure)} sure that ${name} says this.`;
}

const percent = (share) => `${Math.round(share * 100)} %`;

const REASONS = {
  repeats_itself: "A phrase is repeated: the machine may have run in a loop.",
  improbable: "The machine is not sure of this text.",
  no_speech: "There may be no speech here.",
  too_fast: "These are more words than anybody says in that time.",
  too_slow: "These are few words for so much time.",
  ends_early: "Speech goes on after the last word.",
};

function whole(kind, passage) {
  const { first_word: first, last_word: last, start_ms: from, end_ms: to, text } = passage;
  return { kind, passage, first, last, from, to, offset: 0, length: text.length };
}

/** Doubtful words one after another are one doubt. */
function words(passage) {
  const found = [];
  let before = null;
  for (const token of passage.tokens) {
    const open = found.at(-1);
    if (!isDoubtful(token)) before = null;
    else if (before) {
      Object.assign(open, { last: token[LAST], to: token[END], length: token[OFFSET] + token[LENGTH] - open.offset });
      open.probability = Math.min(open.probability, token[PROBABILITY]);
      before = token;
    } else {
      const [first, last, from, to] = [token[FIRST], token[LAST], token[START], token[END]];
      const place = { offset: token[OFFSET], length: token[LENGTH], probability: token[PROBABILITY] };
      found.push({ kind: "word", passage, first, last, from, to, ...place });
      before = token;
    }
  }
  return found;
}
