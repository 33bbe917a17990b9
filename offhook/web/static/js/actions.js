/** The buttons of a passage: of the one under the pointer, or else of the one that was chosen. */
import { byId, h } from "./dom.js";
import { icon } from "./icons.js";

export class Actions {
  #page;
  #bar;
  #passage = null;

  constructor(page) {
    this.#page = page;
    this.#bar = this.#build();
    byId("passages").addEventListener("pointerover", (event) => {
      const found = event.pointerType === "mouse" && page.rows.at(event.target);
      if (found) this.#show(found.passage, found.element);
    });
    byId("passages").addEventListener("pointerleave", () => this.#showCurrent());
    page.reader.addEventListener("change", () => this.#showCurrent());
    page.editor.addEventListener("open", () => this.#bar.remove());
  }

  #build() {
    const { reader, editor, notes, speakers, player } = this.#page;
    const button = (name, label, key, act) =>
      h("button", { class: "quiet", "aria-label": label, title: `${label} (${key})`,
        onclick: () => act(this.#passage) }, icon(name));
    const play = (passage) => {
      player.seek(passage.start_ms);
      player.play();
    };
    return h("div", { class: "passage-actions", role: "group", "aria-label": "This passage" }, icon("more"), h("span", {},
      button("play", "Play from here", "p", play),
      button("edit", "Edit", "e", (passage) => editor.open(passage)),
      button("note", "Write a note", "m", (passage) => notes.write(passage.start_ms)),
      button("voice", "Give to another speaker", "s", (passage) => speakers.ask(passage)),
      button("link", "Copy a link to this moment", "c", (passage) => reader.copyLink(passage.start_ms))));
  }

  #showCurrent() {
    const passage = this.#page.reader.chosen;
    const element = passage && this.#page.rows.elementOf(passage);
    if (element && !byId("passages").matches(":hover")) this.#show(passage, element);
  }

  #show(passage, element) {
    if (this.#bar.contains(document.activeElement) && this.#bar.parentElement !== element) return;
    this.#passage = passage;
    if (this.#bar.parentElement !== element && !element.classList.contains("editing")) element.append(this.#bar);
  }
}
