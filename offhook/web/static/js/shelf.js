/**
 * What a person typed and the server does not have yet, in this browser's storage: it outlives the page.
 *
 * Each page has its own entries, and holds a lock while it lives. An entry whose page is gone was left by a
 * browser that ended, and the next page takes it over.
 */
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
