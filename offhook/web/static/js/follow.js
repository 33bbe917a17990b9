/**
 * Follows the player in the text: marks the word that is spoken, and scrolls to it until the reader scrolls.
 * A button brings the reader back.
 */
import { h } from "./dom.js";
import { Marks } from "./highlight.js";
import { bind } from "./keys.js";
import { LENGTH, OFFSET } from "./tokens.js";

const SCROLLING = new Set(["PageUp", "PageDown", "Home", "End"]);

/** Where in the view what is spoken is brought, from its top. */
const READING_LINE = 0.3;
const CALM = matchMedia("(prefers-reduced-motion: reduce)");

export class Follow {
  #transcript;
  #player;
  #rows;
  #list;
  #marks = new Marks();
  #spoken = { passage: null, token: null, text: null };
  #isFollowing = true;
  #button;

  constructor({ transcript, player, rows, list, place }) {
    [this.#transcript, this.#player, this.#rows, this.#list] = [transcript, player, rows, list];
    this.#button = h("button", { class: "follow", hidden: true, "aria-keyshortcuts": "f",
      title: "Follow the player in the text (f)", onclick: () => this.again() }, "Follow");
    place.append(this.#button);
    player.addEventListener("time", () => this.#follow());
    player.addEventListener("state", () => this.#show());
    player.addEventListener("jump", () => this.again());
    for (const name of ["wheel", "touchmove"])
      window.addEventListener(name, () => this.stop(), { passive: true });
    window.addEventListener("pointerdown", ({ clientX }) => {
      if (clientX >= document.documentElement.clientWidth) this.stop(); // the scrollbar
    });
    window.addEventListener("keydown", ({ key }) => SCROLLING.has(key) && this.stop());
    bind("f", "Follow the player in the text", () => this.again());
  }

  stop() {
    this.#isFollowing = false;
    this.#show();
  }

  /** Go back to what is spoken, and stay with it. */
  again() {
    this.#isFollowing = true;
    this.#show();
    this.#scroll(this.#spoken.passage?.segment ?? this.#transcript.segmentAt(this.#player.ms));
  }

  /** Mark the spoken word again, after rows were made. */
  remark() {
    this.#mark(this.#spoken.passage, this.#spoken.token);
  }

  #follow() {
    const now = this.#transcript.spokenAt(this.#player.ms);
    if (!now) {
      this.#mark(null, null);
      if (this.#isFollowing && this.#player.isPlaying) this.#scroll(this.#transcript.segmentAt(this.#player.ms));
      return;
    }
    const isNew = now.passage !== this.#spoken.passage;
    if (!isNew && now.token === this.#spoken.token) return;
    this.#mark(now.passage, now.token);
    if (isNew && this.#isFollowing && this.#player.isPlaying) this.#scroll(now.passage.segment);
  }

  /** Gently where it is near, since somebody is reading. */
  #scroll(segment) {
    if (segment < 0 || this.#list.isVisible(segment)) return;
    this.#transcript.near = segment;
    const top = this.#list.rowAt(segment)?.getBoundingClientRect().top ?? Infinity;
    const distance = top - window.innerHeight * READING_LINE;
    if (Math.abs(distance) > window.innerHeight || CALM.matches) this.#list.scrollTo(segment, "center");
    else window.scrollBy({ top: distance, behavior: "smooth" });
  }

  #mark(passage, token) {
    const text = passage && this.#rows.textOf(passage);
    if (text !== this.#spoken.text) {
      this.#spoken.text?.classList.remove("speaking");
      text?.classList.add("speaking");
    }
    const part = token && ["spoken", token[OFFSET], token[LENGTH]];
    this.#marks.set(text?.firstChild ?? null, part ? [part] : []);
    this.#spoken = { passage, token, text };
  }

  #show() {
    this.#button.hidden = this.#isFollowing || !this.#player.isPlaying;
  }
}

