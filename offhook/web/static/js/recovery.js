/**
 * Text that was typed and never stored: in this browser, or on the server. It is shown again in the open editor.
 */
import { send } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { isTypedNow } from "./draft.js";
import { clock } from "./format.js";
import { toast } from "./toast.js";
import { hasWords } from "./transcript.js";

const timeOfDay = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

export class Recovery {
  #page;
  #found = new Map(); // first word -> { text, base, at } that waits for the reader
  #hasOpened = false;
  #offered = new Set(); // first words that were offered: what is typed in this page is not offered again

  constructor(page) {
    this.#page = page;
    page.transcript.addEventListener("change", ({ detail }) => this.#look(detail.segments));
    page.editor.addEventListener("open", () => this.#opened());
    page.editor.addEventListener("left", ({ detail }) => this.#add(detail));
    page.outbox.addEventListener("refused", ({ detail }) => this.#refused(detail));
  }

  /** Take over what other pages of this browser have left. */
  async begin() {
    const { shelf, outbox, transcript } = this.#page;
    for (const entry of await shelf.takeLeft()) {
      if (entry.isStored) outbox.put(entry);
      else this.#found.set(entry.first_word, entry);
      this.#offered.add(entry.first_word);
    }
    await this.#look(transcript.segments.map((segment) => segment.index));
    this.#openFirst();
  }

  /** A text was not taken: keep it, beside what is there now. */
  #refused({ entry, error, present }) {
    const { shelf, transcript, editor } = this.#page;
    shelf.keep({ ...entry, isStored: false });
    if (present) transcript.replace(present);
    this.#add(entry);
    const why = present ? "A passage that you changed was changed in another window, too." : error.message;
    if (editor.passage || !transcript.passageOf(entry.first_word)) {
      toast(why, { isError: true, label: "Show", undo: () => this.#open(entry.first_word) });
    } else {
      toast(why, { isError: true });
      this.#open(entry.first_word);
    }
  }

  #add(entry) {
    this.#found.set(entry.first_word, entry);
    this.#offered.add(entry.first_word);
    this.#show();
  }

  async #look(segments) {
    const { transcript } = this.#page;
    for (const index of segments) {
      for (const passage of transcript.segments[index]?.passages ?? []) {
        if (passage.draft === null || passage.draft === undefined || !hasWords(passage)) continue;
        await this.#take(passage);
      }
    }
    this.#show();
  }

  async #take({ first_word, draft, draft_base, draft_made_at, text }) {
    if (this.#offered.has(first_word) || this.#page.editor.passage?.first_word === first_word) return;
    this.#offered.add(first_word);
    if (draft === text) {
      await send("DELETE", `${this.#page.transcript.path}/passages/${first_word}/draft`).catch(() => {});
    } else if (!(await isTypedNow(this.#page.transcript.path, first_word))) {
      this.#found.set(first_word, { text: draft, base: draft_base, at: (draft_made_at ?? 0) * 1000 });
      this.#openFirst();
    }
  }

  /** Open the first text, if the reader does nothing else yet. */
  #openFirst() {
    const { editor, reader, transcript } = this.#page;
    const words = [...this.#found.keys()].filter((word) => transcript.passageOf(word)).sort((a, b) => a - b);
    if (!words.length || this.#hasOpened || location.hash || editor.passage || reader.chosen) return;
    this.#hasOpened = true;
    this.#open(words[0]);
  }

  #open(word) {
    const { transcript, editor, list } = this.#page;
    const entry = this.#found.get(word);
    const passage = transcript.passageOf(word);
    if (!passage) return;
    list.scrollTo(passage.segment, "center");
    const when = entry.at ? ` of ${timeOfDay.format(entry.at)}` : "";
    const theirs = entry.base !== passage.version ? passage : null;
    editor.open(passage, { text: entry.text, note: `Unsaved text${when}`, theirs });
  }

  #opened() {
    if (this.#found.delete(this.#page.editor.passage?.first_word)) this.#show();
  }

  /** List the texts; one whose passage is not there is shown itself, so that it can be copied. */
  #show() {
    const { transcript } = this.#page;
    const words = [...this.#found.keys()].sort((a, b) => a - b);
    const shown = (word) => {
      const passage = transcript.passageOf(word);
      if (!passage) return h("q", {}, this.#found.get(word).text);
      const open = () => this.#open(word);
      return h("button", { class: "small", onclick: open }, clock(passage.start_ms / 1000));
    };
    const list = words.length && h("p", { class: "message warning row" }, "Unsaved text:", words.map(shown));
    fill(byId("unsaved"), list || null);
  }
}
