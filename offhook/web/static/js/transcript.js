/**
 * The transcript of a record as the page has it: its segments, and their passages as they arrive.
 *
 * An outline without words comes first, and raises "outline"; passages come in chunks, those near the reader
 * first. Every change raises "change", with `detail.segments`: the indexes of those that read otherwise now.
 */
import { get } from "./api.js";
import { END, START, partition, tokenAtTime } from "./tokens.js";

const CHUNK = 100;
const LANES = 2;
/** After a change what is far from the reader is fetched again so long after the last change, ms. */
const PATIENCE = 3000;
/** Segments before the one at a time in which somebody may still be speaking. */
const OVERLAP = 3;

export class Transcript extends EventTarget {
  segments = []; // { index, startMs, characters, passages: null or [...] }
  version = null;
  /** Whether it is being decoded: then what is there only grows, and only what is new is fetched. */
  isGrowing = false;
  #near = 0; // the segment that the reader sees; what is near it is fetched first
  #path;
  #missing = new Set(); // numbers of chunks that are not loaded, or not up to date
  #busy = new Set();
  #writes = 0; // changes of this page that are under way
  #written = 0; // and how many began or ended so far: what was read meanwhile may lack them
  #isReloadDue = false;
  #restAt = 0; // when chunks that are not up to date, and far from the reader, are fetched
  #timer = 0;

  constructor(recordId) {
    super();
    this.#path = `/api/v1/records/${recordId}`;
  }

  get path() {
    return this.#path;
  }

  set near(index) {
    this.#near = index;
    if (this.#missing.has(Math.floor(index / CHUNK))) this.#fill();
  }

  get isComplete() {
    return this.#missing.size === 0 && this.#busy.size === 0;
  }

  /** Take what came with the page. */
  begin({ outline, window }) {
    this.#takeOutline(outline);
    if (window) this.#takePassages(window);
    this.#fill();
  }

  /** While this page writes, this waits. */
  async reload() {
    if (this.#writes) {
      this.#isReloadDue = true;
      return;
    }
    const before = this.#written;
    const outline = await get(`${this.#path}/transcript/outline`);
    if (before !== this.#written) return this.reload();
    if (outline.version === this.version) return;
    this.#takeOutline(outline);
    this.#restAt = Date.now() + PATIENCE;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fill(), PATIENCE);
    this.#fill();
  }

  /** Let `change` send a change of this page, and take the passages of its answer. */
  async write(change) {
    this.#writes += 1;
    this.#written += 1;
    try {
      const answer = await change();
      if (answer?.passages) this.put(answer.passages);
      if (answer?.passages && answer.version) this.version = answer.version;
      else this.#isReloadDue = true;
      return answer;
    } finally {
      this.#writes -= 1;
      this.#written += 1;
      if (!this.#writes && this.#isReloadDue) {
        this.#isReloadDue = false;
        this.reload().catch(() => (this.#isReloadDue = true));
      }
    }
  }

  put(passages) {
    this.#changed(this.#store(passages));
  }

  replace(passage) {
    const there = this.segments[passage.segment]?.passages ?? [];
    this.put(there.map((it) => (keyOf(it) === keyOf(passage) ? passage : it)));
  }

  *passages(from = 0, to = this.segments.length - 1) {
    for (let index = from; index <= to; index++) yield* this.segments[index]?.passages ?? [];
  }

  /** -1 before all. */
  segmentAt(ms) {
    return partition(this.segments, (segment) => segment.startMs > ms) - 1;
  }

  /** What is said at a time, or was said last before: `{ passage, token }`; null where that is not loaded. */
  spokenAt(ms) {
    let best = null;
    const last = this.segmentAt(ms);
    for (const passage of this.passages(Math.max(0, last - OVERLAP), last)) {
      const token = passage.tokens[tokenAtTime(passage, ms)];
      if (token && (!best || token[END] > ms || token[START] > best.token[START])) best = { passage, token };
    }
    return best;
  }

  /**
   * The pause at a time: `{ end, next }`, when the last word ends and when the next one begins, ms. `next` is
   * null where that is not known.
   */
  pauseAt(ms) {
    const last = this.segmentAt(ms);
    const near = this.segments.slice(Math.max(0, last - OVERLAP), last + 1);
    if (near.some((segment) => !segment.passages)) return { end: 0, next: null };
    const passages = near.flatMap((segment) => segment.passages);
    const places = passages.map((passage) => [passage, tokenAtTime(passage, ms)]);
    const ends = places.map(([passage, at]) => passage.tokens[at]?.[END] ?? 0);
    const starts = places.map(([passage, at]) => passage.tokens[at + 1]?.[START]);
    const after = [...starts, this.segments[last + 1]?.startMs].filter((start) => start > ms);
    return { end: Math.max(0, ...ends), next: after.length ? Math.min(...after) : null };
  }

  passageOf(word) {
    let [low, high] = [0, this.segments.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#firstWord(middle) > word) high = middle;
      else low = middle + 1;
    }
    const found = [...this.passages(Math.max(0, low - 1), low - 1)];
    return found.find((it) => it.first_word <= word && word <= it.last_word) ?? null;
  }

  /** The one before, or after it for `step` 1. */
  beside(passage, step = -1) {
    let { segment } = passage;
    let there = this.segments[segment]?.passages ?? [];
    let place = there.findIndex((it) => it.first_word === passage.first_word) + step;
    while (place < 0 || place >= there.length) {
      segment += step;
      if (!this.segments[segment]?.passages) return null;
      there = this.segments[segment].passages;
      place = step < 0 ? there.length - 1 : 0;
    }
    return there[place];
  }

  /** Resolve when all passages of a segment are there. */
  async loaded(index) {
    this.near = index;
    while (this.segments[index] && !this.segments[index].passages)
      await new Promise((done) => this.addEventListener("change", done, { once: true }));
    return this.segments[index]?.passages ?? [];
  }

  /** The first word of a segment, or of the next one that is loaded and has words. */
  #firstWord(index) {
    for (let at = index; at < this.segments.length; at++) {
      const word = this.segments[at].passages?.[0]?.first_word;
      if (word !== undefined && word !== null) return word;
    }
    return Infinity;
  }

  #takeOutline({ version, segments }) {
    const before = this.segments;
    const isFirst = this.version === null;
    this.version = version;
    this.segments = segments.map(([startMs, characters], index) => {
      const known = before[index];
      return known?.startMs === startMs ? { ...known, characters } : { index, startMs, characters, passages: null };
    });
    const differ = this.segments.filter((it, index) => it.startMs !== before[index]?.startMs);
    const grown = this.segments.filter((it, index) => it.characters !== before[index]?.characters);
    for (const { index } of this.isGrowing ? [...differ, ...grown] : this.segments)
      this.#missing.add(Math.floor(index / CHUNK));
    this.dispatchEvent(new Event("outline"));
    if (!isFirst) this.#changed(differ.map((segment) => segment.index));
  }

  #takePassages({ first, passages }) {
    const end = passages.length ? passages.at(-1).segment + 1 : first;
    for (let chunk = Math.ceil(first / CHUNK); chunk * CHUNK < end; chunk++) {
      const isWhole = (chunk + 1) * CHUNK <= end || end >= this.segments.length;
      if (isWhole) this.#missing.delete(chunk);
    }
    this.#changed(this.#store(passages, first, end));
  }

  /**
   * Put passages at their segments; return the indexes of those that read otherwise now. The segments from
   * `first` to before `end` that have none are empty: a correction of the one before took their words.
   */
  #store(passages, first = 0, end = 0) {
    const differ = [];
    const bySegment = Map.groupBy(passages, (passage) => passage.segment);
    for (let index = first; index < end; index++) if (!bySegment.has(index)) bySegment.set(index, []);
    for (const [index, some] of bySegment) {
      const segment = this.segments[index];
      if (!segment || (segment.passages && JSON.stringify(segment.passages) === JSON.stringify(some))) continue;
      this.segments[index] = { ...segment, passages: some };
      differ.push(index);
    }
    return differ;
  }

  #changed(segments) {
    if (segments.length) this.dispatchEvent(new CustomEvent("change", { detail: { segments } }));
  }

  #fill() {
    while (this.#busy.size < LANES) {
      const chunk = this.#next();
      if (chunk === null) break;
      this.#fetch(chunk);
    }
    if (this.isComplete) this.dispatchEvent(new Event("complete"));
  }

  /** The chunk to be fetched now: the one nearest to the reader; null if there is none. */
  #next() {
    const near = Math.floor(this.#near / CHUNK);
    const isDue = (chunk) => chunk === near || Date.now() >= this.#restAt || !this.#isThere(chunk);
    const waiting = [...this.#missing].filter(isDue);
    if (!waiting.length) return null;
    return waiting.reduce((best, it) => (Math.abs(it - near) < Math.abs(best - near) ? it : best));
  }

  /** Whether all passages of a chunk are there, even if they are not up to date. */
  #isThere(chunk) {
    return this.segments.slice(chunk * CHUNK, (chunk + 1) * CHUNK).every((segment) => segment.passages);
  }

  async #fetch(chunk) {
    this.#missing.delete(chunk);
    this.#busy.add(chunk);
    try {
      const first = chunk * CHUNK;
      const query = `first=${first}&count=${CHUNK}`;
      const before = this.#written;
      const found = await get(`${this.#path}/transcript?${query}`);
      if (before !== this.#written || this.#writes) this.#missing.add(chunk);
      else this.#changed(this.#store(found.passages, first, first + CHUNK));
    } catch {
      this.#missing.add(chunk);
      await new Promise((done) => setTimeout(done, 2000));
    } finally {
      this.#busy.delete(chunk);
    }
    await new Promise((done) => (window.requestIdleCallback ?? setTimeout)(done));
    this.#fill();
  }
}

export function hasWords(passage) {
  return passage.first_word !== null && passage.last_word >= passage.first_word;
}

/** What tells a passage from all others of its transcript. */
export function keyOf(passage) {
  return passage.first_word ?? `segment ${passage.segment}`;
}
