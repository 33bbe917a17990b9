/** The card at a doubt: what it is about, and what a person can say about it. */
import { h } from "./dom.js";
import { reasonOf, wordsOfDoubt } from "./doubts.js";

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
  h("button", { type: "button", class: `${style} small`, title, onclick: act }, label);

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
