/** What persons changed in this transcript, the last change first, and how to take it back. */
import { get, send } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { ago } from "./format.js";
import { bind } from "./keys.js";
import { complain, toast } from "./toast.js";
import { hasWords } from "./transcript.js";

const NAMES = {
  edit: "Text changed",
  replace: "Words replaced",
  speaker: "Speakers changed",
  confirm: "Words confirmed",
  restore: "The machine's words restored",
  relabel: "Speakers found again",
};

export class History {
  #page;
  #content = h("div", { class: "panel-body" });

  constructor(page) {
    this.#page = page;
    const button = byId("open-history");
    page.panel.add("history", { heading: "History", button, content: this.#content, opened: () => this.load() });
    page.transcript.addEventListener("change", () => page.panel.open === "history" && this.load());
    bind("u Ctrl+z", "Undo the last change", () => this.undo());
    bind("o", "Show what the machine wrote for the passage", () => this.showHeard());
  }

  async load() {
    try {
      const { edits } = await get(`${this.#page.transcript.path}/edits`);
      this.#fill(edits);
    } catch (error) {
      complain(error);
    }
  }

  /** Take the last change of this record back; or all changes back to one, that one too. */
  async undo(back_to = null) {
    const { transcript, panel } = this.#page;
    try {
      const answer = await transcript.write(() => send("POST", `${transcript.path}/undo`, { back_to }));
      const { undone, count } = answer;
      const what = count > 1 ? `${count} changes` : (NAMES[undone?.what] ?? undone?.what);
      toast(undone ? `Undone: ${what}.` : "There is nothing to undo.");
      if (panel.open === "history") await this.load();
    } catch (error) {
      complain(error);
    }
  }

  async showHeard(passage = this.#page.reader.current) {
    if (!passage || !hasWords(passage)) return;
    const { transcript } = this.#page;
    try {
      const { text } = await get(`${transcript.path}/passages/${passage.first_word}/heard`);
      toast(`The machine wrote: “${text}”`, { label: "Restore", forMs: 15_000, undo: () => this.#restore(passage) });
    } catch (error) {
      complain(error);
    }
  }

  async #restore({ first_word, last_word }) {
    const { transcript } = this.#page;
    try {
      await transcript.write(() => send("POST", `${transcript.path}/restore`, { first_word, last_word }));
    } catch (error) {
      complain(error);
    }
  }

  #fill(edits) {
    const entries = edits.map(({ id, what, made_at }, place) =>
      h("li", { class: "row" },
        h("span", { class: "grow" }, NAMES[what] ?? what, h("span", { class: "quiet-text" }, ` ${ago(made_at)}`)),
        h("button", { class: "quiet small", onclick: () => this.undo(id),
          title: place ? "Undo this change and all after it" : "Undo this change" }, place ? "Undo to here" : "Undo")));
    fill(this.#content,
      entries.length
        ? h("ul", { class: "plain-list" }, entries)
        : h("p", { class: "hint" }, "Nobody has changed anything."),
      h("p", { class: "hint" }, "Press ", h("kbd", {}, "o"), " to see what the machine wrote for a passage."));
  }
}
