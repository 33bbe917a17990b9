/** The panel beside the transcript: one of its parts is open, or none. */
import { byId, fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { bind } from "./keys.js";

export class Panel {
  #element = byId("panel");
  #parts = new Map(); // name -> { heading, button, content, opened }
  #open = null;

  constructor() {
    bind("Escape", "Close the panel", () => this.close(), { when: () => this.#open !== null });
  }

  get open() {
    return this.#open;
  }

  /** Add a part: `{ heading, button, content, opened }`; `opened` is called when it was opened. */
  add(name, part) {
    this.#parts.set(name, part);
    part.button.setAttribute("aria-expanded", "false");
    part.button.setAttribute("aria-controls", "panel");
    part.button.addEventListener("click", () => this.toggle(name));
  }

  toggle(name) {
    if (this.#open === name) this.close();
    else this.show(name);
  }

  show(name, { isQuiet = false } = {}) {
    const { heading, content, opened } = this.#parts.get(name);
    if (this.#open !== name) {
      const close = h("button", { class: "quiet", "aria-label": "Close", title: "Close (Esc)",
        onclick: () => this.close() }, icon("close"));
      fill(this.#element, h("div", { class: "panel-head" }, h("h2", { tabindex: "-1" }, heading), close), content);
      this.#element.hidden = false;
      this.#element.setAttribute("aria-label", heading);
      document.body.classList.add("has-panel");
      this.#open = name;
      this.#tell();
      opened?.();
    }
    if (!isQuiet) this.#element.querySelector("h2").focus({ preventScroll: true });
  }

  close() {
    if (!this.#open) return;
    const { button } = this.#parts.get(this.#open);
    const hadFocus = this.#element.contains(document.activeElement);
    this.#open = null;
    this.#element.hidden = true;
    this.#element.replaceChildren();
    document.body.classList.remove("has-panel");
    this.#tell();
    if (hadFocus) button.focus({ preventScroll: true });
  }

  #tell() {
    for (const [name, { button }] of this.#parts) button.setAttribute("aria-expanded", String(name === this.#open));
  }
}
