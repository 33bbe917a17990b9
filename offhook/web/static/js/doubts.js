/**
 * What a person should hear again: improbable words, speakers who are not sure, passages that are flagged; and the
 * card at a doubt, on which a person says what is right.
 */
import { h } from "./dom.js";
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

function reasonOf({ kind, passage, probability }) {
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

const KEYS = "d, Shift+D: next, before · Space: again · Esc: leave";

/**
 * Make the card of a doubt. Its keys work while the card itself has the focus: a letter that is none of them
 * begins to correct the word.
 */
export function doubtCard(page, walk, doubt, { place, count }) {
  const said = wordsOfDoubt(doubt);
  const isWord = doubt.kind === "word";
  const field = isWord ? h("input", { type: "text", value: said, "aria-label": "What is right", spellcheck: "true",
    autocomplete: "off", onkeydown: (event) => typed(event, walk, doubt, field) }) : null;
  const own = isWord ? wordButtons(page, walk, doubt, field) : otherButtons(page, doubt);
  return h("div", { class: "doubt-card", role: "group", tabindex: "-1",
      "aria-label": `Doubt ${place} of ${count}: ${said}`, onkeydown: (event) => pressed(event, page, walk, doubt, field) },
    h("p", { class: "hint" }, `${place.toLocaleString("en")} of ${count.toLocaleString("en")} · ${reasonOf(doubt)}`),
    h("div", { class: "row" },
      field,
      button("It is right", () => walk.settle(doubt, field), "Enter", "primary"),
      button("Hear it again", () => walk.visit(doubt), "Space"),
      own,
      button("Next", () => walk.go(1), "d")),
    h("p", { class: "hint keys-hint" }, `Enter: right · ${isWord ? "type: correct it · " : ""}${KEYS}`));
}

const button = (label, act, title, style = "quiet") =>
  h("button", { class: `${style} small`, title, onclick: act }, label);

function wordButtons(page, walk, doubt, field) {
  const alike = () => page.replacing.open(wordsOfDoubt(doubt), field.value.trim());
  return [
    button("Fix all alike", alike, "Replace it everywhere in this call"),
    button("Add to glossary", () => walk.teach(field.value.trim()), "The machine listens for it in the next calls"),
  ];
}

function otherButtons({ speakers, editor }, { kind, passage }) {
  if (kind === "speaker") return [button("Somebody else", () => speakers.ask(passage), "s")];
  return [button("Edit", () => editor.open(passage), "e")];
}

function pressed(event, page, walk, doubt, field) {
  if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
  const actions = {
    d: () => walk.go(1),
    D: () => walk.go(-1),
    ArrowDown: () => walk.go(1),
    ArrowUp: () => walk.go(-1),
    Enter: () => walk.settle(doubt, field),
    " ": () => walk.visit(doubt),
    Escape: () => walk.leave(),
  };
  if (field) actions.Backspace = () => begin(field, "");
  else Object.assign(actions, { e: () => page.editor.open(doubt.passage), s: () => page.speakers.ask(doubt.passage) });
  const isLetter = field && [...event.key].length === 1;
  take(event, actions[event.key] ?? (isLetter && (() => begin(field, event.key))));
}

function typed(event, walk, doubt, field) {
  if (event.isComposing) return;
  const actions = {
    Enter: () => walk.settle(doubt, field),
    ArrowDown: () => walk.go(1),
    ArrowUp: () => walk.go(-1),
    Escape: () => {
      field.value = wordsOfDoubt(doubt);
      field.closest(".doubt-card").focus({ preventScroll: true });
    },
  };
  take(event, actions[event.key]);
}

function take(event, act) {
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

function begin(field, text) {
  field.value = text;
  field.focus({ preventScroll: true });
}
