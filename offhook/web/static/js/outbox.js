/**
 * Stores edited passages, one after another. A text that the server does not take now is kept, shown as not
 * stored, and sent again.
 *
 * Raises "change" with `detail.passage` when a passage is shown otherwise, "away" and "back" when the server
 * does not answer and does again, and "refused" with `detail: { entry, error, present }` when a text was not
 * taken; `present` is the passage as somebody else stored it, or null. Raises "stored" with `detail.passage`.
 */
import { send } from "./api.js";

const RETRY_MS = [500, 1000, 2000, 4000];
const TIMEOUT_MS = 20_000;

export class Outbox extends EventTarget {
  #transcript;
  #shelf;
  #entries = new Map(); // first word -> entry
  #ready = new WeakMap(); // entry -> promise
  #isSending = false;
  #failures = 0;
  #timer = 0;

  constructor(transcript, shelf) {
    super();
    this.#transcript = transcript;
    this.#shelf = shelf;
    window.addEventListener("online", () => this.hurry());
  }

  get isEmpty() {
    return this.#entries.size === 0;
  }

  get isAway() {
    return this.#failures > 0;
  }

  /** A passage with the text that is not stored yet. */
  shown(passage) {
    const entry = this.#entries.get(passage.first_word);
    return entry ? { ...passage, text: entry.text, tokens: [], isPending: true } : passage;
  }

  /** Store `{ first_word, last_word, base, text }` when `ready` says that no draft of it is under way any more. */
  put(entry, ready) {
    const kept = { ...entry, at: Date.now(), isStored: true };
    this.#ready.set(kept, ready);
    this.#entries.delete(entry.first_word);
    this.#entries.set(entry.first_word, kept);
    this.#shelf.keep(kept);
    this.#changed(entry.first_word);
    this.hurry();
  }

  /** Keep the text of a passage that waits in this browser, after something else was kept in its place. */
  keep(firstWord) {
    const entry = this.#entries.get(firstWord);
    if (entry) this.#shelf.keep(entry);
  }

  hurry() {
    clearTimeout(this.#timer);
    if (!this.#isSending && !this.isEmpty) this.#run();
  }

  async #run() {
    this.#isSending = true;
    try {
      while (!this.isEmpty) await this.#store(this.#entries.values().next().value);
    } catch {
      this.#failures += 1;
      if (this.#failures === 1) this.dispatchEvent(new Event("away"));
      const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length) - 1];
      this.#timer = setTimeout(() => this.hurry(), wait);
    } finally {
      this.#isSending = false;
    }
  }

  /** Send one text. Raises if the server is away. */
  async #store(entry) {
    const { first_word, last_word, base, text } = entry;
    const url = `${this.#transcript.path}/passages/${first_word}`;
    const options = { keepalive: true, signal: AbortSignal.timeout(TIMEOUT_MS) };
    await this.#ready.get(entry);
    let [refusal, answer] = [null, null];
    try {
      answer = await this.#transcript.write(() => send("PUT", url, { text, base, last_word }, options));
    } catch (error) {
      if (!error.status || error.status >= 500 || error.status === 401) throw error;
      refusal = error;
    }
    this.#answered();
    if (this.#entries.get(first_word) !== entry) return this.#rebase(entry, answer); // typed again meanwhile
    this.#entries.delete(first_word);
    this.#shelf.drop(first_word);
    this.#changed(first_word);
    const stored = passageWith(answer?.passages, first_word);
    if (stored) this.dispatchEvent(new CustomEvent("stored", { detail: { passage: stored } }));
    const present = passageWith(refusal?.details?.passages, first_word);
    if (refusal && !isThere(present, text))
      this.dispatchEvent(new CustomEvent("refused", { detail: { entry, error: refusal, present } }));
  }

  #rebase({ first_word, base }, answer) {
    const later = this.#entries.get(first_word);
    const now = passageWith(answer?.passages, first_word);
    if (now && later.base === base) Object.assign(later, { base: now.version, last_word: now.last_word });
  }

  #answered() {
    const wasAway = this.isAway;
    this.#failures = 0;
    if (wasAway) this.dispatchEvent(new Event("back"));
  }

  #changed(firstWord) {
    const passage = this.#transcript.passageOf(firstWord);
    if (passage) this.dispatchEvent(new CustomEvent("change", { detail: { passage } }));
  }
}

const passageWith = (passages, word) =>
  passages?.find((it) => it.first_word <= word && word <= it.last_word) ?? null;

const plain = (text) => text.split(/\s+/).filter(Boolean).join(" ");

/** Whether a passage has this text already: it was stored, and the answer did not arrive. */
const isThere = (passage, text) => Boolean(passage) && plain(passage.text ?? "") === plain(text);
