/**
 * The text that is being typed for one passage: in this browser at each key, on the server soon after.
 *
 * What the server does not have yet is in this browser's storage (`Shelf`), and outlives the page. Each page has
 * its own entries, and holds a lock while it lives; the next page takes over what a browser that ended has left.
 */
import { send } from "./api.js";

/** The server gets the text so long after the last key, and so long after the first one at the latest, ms. */
const AFTER_KEY = 300;
const AT_MOST = 900;
const RETRY_MS = 2000;
const TIMEOUT_MS = 10_000;

export class Draft extends EventTarget {
  #url;
  #shelf;
  #entry; // { first_word, last_word, base, text, at }
  #timer = 0;
  #waitsSince = 0;
  #sending = null;
  #isAgain = false;
  #isOver = false;
  /** "same": nothing is typed; "typing"; "kept": the server has it; "here": only this browser has it. */
  state = "same";

  constructor(path, shelf, passage, text) {
    super();
    this.#url = `${path}/passages/${passage.first_word}/draft`;
    this.#shelf = shelf;
    const { first_word, last_word, version } = passage;
    this.#entry = { first_word, last_word, base: version, text, at: Date.now() };
  }

  get text() {
    return this.#entry.text;
  }

  /** The typing goes on from another state of the passage, in which no draft is kept. */
  rebase({ version, last_word }) {
    Object.assign(this.#entry, { base: version, last_word });
    if (this.state !== "same") this.type(this.text);
  }

  /** Keep a text; it is on its way to the server within `AT_MOST` ms. */
  type(text) {
    this.#entry = { ...this.#entry, text, at: Date.now() };
    this.#shelf.keep(this.#entry);
    this.#say("typing");
    this.#waitsSince ||= Date.now();
    clearTimeout(this.#timer);
    const wait = Math.min(AFTER_KEY, Math.max(0, this.#waitsSince + AT_MOST - Date.now()));
    this.#timer = setTimeout(() => this.flush(), wait);
  }

  async flush({ keepalive = false } = {}) {
    if (this.#isOver || !this.#waitsSince) return;
    if (this.#sending && !keepalive) {
      this.#isAgain = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#waitsSince = 0;
    this.#sending = this.#send(keepalive);
    await this.#sending;
    this.#sending = null;
    if (this.#isAgain) {
      this.#isAgain = false;
      this.flush();
    }
  }

  /** No more is sent: the text was stored or given up. Resolves when nothing is under way any more. */
  async end() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.#sending;
  }

  async drop() {
    await this.end();
    this.#shelf.drop(this.#entry.first_word);
    if (this.state !== "same") await send("DELETE", this.#url).catch(() => {});
  }

  async #send(keepalive) {
    const { text, base } = this.#entry;
    try {
      await send("PUT", this.#url, { text, base }, { keepalive, signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (!this.#waitsSince) this.#say("kept");
    } catch {
      if (this.#isOver) return;
      this.#say("here");
      this.#waitsSince ||= Date.now();
      this.#timer = setTimeout(() => this.flush(), RETRY_MS);
    }
  }

  #say(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

const PREFIX = "offhook.text";
const page = crypto.randomUUID();
navigator.locks?.request(`${PREFIX}.${page}`, () => new Promise(() => {}));

export class Shelf {
  #record;

  constructor(recordId) {
    this.#record = recordId;
  }

  /** Keep what a person typed for a passage: `{ first_word, last_word, base, text, at, isStored }`. */
  keep(entry) {
    try {
      localStorage.setItem(this.#key(entry.first_word), JSON.stringify(entry));
    } catch {
      // No room, or no storage: the page has the text, and the server soon has it as a draft.
    }
  }

  drop(firstWord) {
    localStorage.removeItem(this.#key(firstWord));
  }

  /** The entries of pages that are gone; they become entries of this page. */
  async takeLeft() {
    const living = await livingPages();
    const found = [];
    for (const key of Object.keys(localStorage)) {
      const [record, word, owner] = key.startsWith(`${PREFIX}.`) ? key.slice(PREFIX.length + 1).split(".") : [];
      if (record !== String(this.#record) || owner === page || living.has(owner)) continue;
      const entry = parsed(localStorage.getItem(key));
      if (entry && entry.first_word === Number(word)) {
        this.keep(entry);
        found.push(entry);
      }
      localStorage.removeItem(key);
    }
    return found.sort((a, b) => a.first_word - b.first_word);
  }

  #key(firstWord) {
    return `${PREFIX}.${this.#record}.${firstWord}.${page}`;
  }
}

async function livingPages() {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return new Set(held.map((lock) => lock.name.slice(PREFIX.length + 1)));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const lockOf = (path, word) => `offhook.typing ${path} ${word}`;

/** Whether a living page of this browser has a passage in its editor. */
export async function isTypedNow(path, word) {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return held.some((lock) => lock.name === lockOf(path, word));
}

/** Say that a passage is being edited, until the result is called. */
export function typingIn(path, word) {
  const over = new AbortController();
  const ended = new Promise((done) => over.signal.addEventListener("abort", done));
  navigator.locks?.request(lockOf(path, word), { mode: "shared" }, () => ended);
  return () => over.abort();
}
