/** The speakers of the record: their names, a sample of each voice, and who said which words. */
import { get, send } from "./api.js";
import { byId, debounced, fill, h } from "./dom.js";
import { openDialog } from "./dialog.js";
import { icon } from "./icons.js";
import { bind } from "./keys.js";
import { complain, toast } from "./toast.js";
import { selectedWords } from "./tokens.js";
import { hasWords } from "./transcript.js";
import { shapeOf } from "./voices.js";

const CHANGE_MS = 800;
/** Of a sample at most so much is played, ms. */
const SAMPLE_MS = 8000;

export class Speakers {
  #page;
  #url;
  #speakers = [];
  #known = []; // names that persons gave in other records
  #content = h("div", { class: "panel-body" });

  constructor(page) {
    this.#page = page;
    this.#url = `${page.transcript.path}/speakers`;
    const button = byId("open-speakers");
    page.panel.add("speakers", { heading: "Speakers", button, content: this.#content, opened: () => this.load() });
    page.transcript.addEventListener("change", debounced(CHANGE_MS, () => page.panel.open === "speakers" && this.load()));
    byId("passages").addEventListener("click", ({ target }) => {
      const found = target.closest(".speaker") && page.rows.at(target);
      if (found) this.ask(found.passage);
    });
    bind("s", "Give the selection or the passage to a speaker", () => this.ask());
  }

  async load() {
    try {
      ({ speakers: this.#speakers, known: this.#known } = await get(this.#url));
    } catch (error) {
      complain(error);
      return;
    }
    if (this.#page.panel.open === "speakers" && !this.#content.contains(document.activeElement)) this.#fill();
  }

  /** Ask who says a passage, or the words that are selected. */
  async ask(given = null) {
    const selected = given ? null : selectedWords(this.#page.rows);
    const passage = given ?? selected?.passage ?? this.#page.reader.current;
    if (!passage || !hasWords(passage)) return;
    await this.load();
    const words = selected?.words ?? [passage.first_word, passage.last_word];
    const what = selected ? `the ${words[1] - words[0] + 1} selected words` : "this passage";
    this.#open(passage, words, what);
  }

  #open(passage, words, what) {
    const choose = (who) => {
      dialog.close();
      this.#assign(words, who);
    };
    const choices = this.#speakers.map(({ speaker, name }, place) =>
      h("button", { class: "choice-button", autofocus: place === 0, onclick: () => choose(name) },
        h("kbd", {}, place + 1), shapeOf(speaker), name,
        speaker === passage.speaker ? h("span", { class: "quiet-text" }, "(now)") : null));
    const other = this.#nameField("", "Somebody else: a name");
    const rename = this.#nameField(passage.name ?? "", `Another name for ${passage.name}`);
    const submit = (field, act) => (event) => {
      event.preventDefault();
      if (field.value.trim()) act(field.value.trim());
    };
    const give = submit(other, choose);
    const store = submit(rename, (name) => {
      dialog.close();
      this.rename(passage.speaker, name);
    });
    const dialog = openDialog(`Who says ${what}?`,
      h("div", { class: "stack" },
        h("div", { class: "choices" }, choices),
        h("form", { class: "row", onsubmit: give }, other, h("button", { type: "submit" }, "Give")),
        passage.speaker && passage.speaker !== "unsure"
          ? h("form", { class: "row", onsubmit: store }, rename, h("button", { type: "submit" }, `Rename ${passage.name}`))
          : null,
        this.#names()));
    dialog.addEventListener("keydown", (event) => {
      const choice = this.#speakers[Number(event.key) - 1];
      if (event.target.matches("input") || !choice) return;
      event.preventDefault();
      choose(choice.name);
    });
  }

  async #assign([first_word, last_word], who) {
    await this.#change("POST", "/assign", { first_word, last_word, who }, `Given to ${who}.`);
    document.getSelection().removeAllRanges();
  }

  rename(speaker, name) {
    return this.#change("PUT", "", { speaker, name }, name ? `Called ${name} now.` : "The name is taken away.");
  }

  #swap() {
    const [one, other] = this.#speakers;
    const body = { one: one.speaker, other: other.speaker };
    return this.#change("POST", "/swap", body, `${one.name} and ${other.name} are exchanged.`);
  }

  async #change(method, path, body, done) {
    try {
      await this.#page.transcript.write(() => send(method, this.#url + path, body));
      toast(done, { undo: () => this.#page.history.undo() });
      await this.load();
    } catch (error) {
      complain(error);
    }
  }

  #nameField(value, label) {
    return h("input", { type: "text", value, "aria-label": label, placeholder: label, list: "known-names",
      autocomplete: "off", maxlength: "200" });
  }

  #names() {
    const names = new Set([...this.#known, ...this.#speakers.map(({ name }) => name)]);
    return h("datalist", { id: "known-names" }, [...names].map((name) => h("option", { value: name })));
  }

  #fill() {
    const cards = this.#speakers.map((speaker) => this.#card(speaker));
    const swap = this.#speakers.length === 2
      ? h("button", { class: "small", onclick: () => this.#swap() }, "Exchange the two") : null;
    fill(this.#content,
      cards.length ? cards : h("p", { class: "hint" }, "Nobody is known in this recording."),
      swap,
      h("p", { class: "hint" }, "Select words and press ", h("kbd", {}, "s"), " to give them to somebody else."),
      this.#names());
  }

  #card({ speaker, name, share, sample }) {
    const { player } = this.#page;
    const field = this.#nameField(name, `Name of ${name}`);
    const done = (event) => {
      event.preventDefault();
      field.blur();
    };
    field.addEventListener("change", () => {
      if (field.value.trim() !== name) this.rename(speaker, field.value.trim());
    });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      field.value = name;
      field.blur();
    });
    const hear = () => player.playPart(sample.start_ms, Math.min(sample.end_ms, sample.start_ms + SAMPLE_MS));
    return h("form", { class: "speaker-card", onsubmit: done },
      h("div", { class: "row" }, shapeOf(speaker), field,
        sample && h("button", { class: "quiet", "aria-label": `Hear ${name}`, title: `Hear ${name}`,
          onclick: hear }, icon("play"))),
      h("p", { class: "hint" }, `${Math.round(share * 100)} % of the words`),
      sample && h("p", { class: "sample" }, `“${sample.text}”`));
  }
}
