/**
 * A list of thousands of rows of which only those near the view are in the document.
 *
 * A row is as high as its content. Until it is shown its height is estimated; when it is measured, the row at
 * the top of the view stays where it is. Rows have keys, so a reader keeps the place when rows come, go or
 * move. A row that has the focus, or an end of the selection, stays in the document wherever it is.
 *
 * Rows must have no outer margins: they would collapse and not be measured.
 */
import { Heights } from "./heights.js";
import { Rows } from "./rows.js";

/** Heights that differ by less are the same, px. */
const SAME = 0.5;
/** Rows are made in advance for this many views above and below; after a far jump for fewer at first. */
const AHEAD = 0.75;
const NEAR = 0.25;
/** Estimates are put right at most so many times in one go. */
const ROUNDS = 4;

export class VirtualList {
  #element;
  #scroller; // null: the page itself
  #options;
  #items = [];
  #indexes = new Map(); // key -> index
  #measured = new Map(); // key -> height, at the present width
  #heights = new Heights([]);
  #rows;
  #first = 0;
  #last = -1;
  #width = 0;
  #anchor = { index: 0, at: 0 };
  #isPartial = false; // rows are to be made in advance as soon as there is time
  #abort = new AbortController();

  /**
   * Options: `element`, whose children are the rows; `scroller`, the page if none is given; `key(item, index)`;
   * `estimate(item, index, width)`, a height in px; `render(item, index, row)`, which makes a row or brings the
   * one there is up to date; `counting`: "set" for aria-posinset, "rows" for aria-rowindex with `headerRows`
   * above; `insets()`, px of the view that are covered at its top and bottom; `drawn(first, last)`, called when
   * rows may have come or gone; `removed(row, item)`, called when one has.
   */
  constructor(options) {
    const defaults = { counting: "set", headerRows: 0, insets: () => [0, 0], count: () => this.count };
    this.#options = { ...defaults, ...options };
    this.#element = options.element;
    this.#scroller = options.scroller ?? null;
    this.#element.style.overflowAnchor = "none"; // the anchor is kept here, also where browsers have none
    this.#element.style.position = "relative";
    this.#rows = new Rows(this.#element, this.#options, (entries) => this.#resized(entries));
    const listening = { passive: true, signal: this.#abort.signal };
    (this.#scroller ?? document).addEventListener("scroll", () => this.#scrolled(), listening);
    window.addEventListener("resize", () => this.#scrolled(), listening);
  }

  get count() {
    return this.#items.length;
  }

  /** The first and last row in the view; 0 and -1 of an empty list. */
  get visible() {
    const { offset, height } = this.#view();
    const [top, bottom] = this.#options.insets();
    if (!this.count) return [0, -1];
    return [this.#heights.at(offset + top), this.#heights.at(offset + height - bottom - 1)];
  }

  /** Show these rows instead; those with known keys stay as they are. */
  setItems(items) {
    const places = new Map(items.map((item, index) => [this.#options.key(item, index), index]));
    const anchor = this.#anchorAmong(places);
    [this.#items, this.#indexes] = [items, places];
    this.#estimate();
    if (this.#options.counting === "rows")
      this.#element.setAttribute("aria-rowcount", items.length + this.#options.headerRows);
    this.#draw(anchor, true);
  }

  /** Make rows again whose items are others now in the array that is shown; without indexes all of them. */
  refresh(indexes = this.#items.keys()) {
    for (const index of indexes) {
      const key = this.#key(index);
      if (this.#rows.has(key)) this.#rows.spoil(key);
      else this.#guess(key, index);
    }
    this.#draw(this.#anchor, true);
  }

  /** Bring a row into the view: at its "start", in its "center", or only if it is outside ("nearest"). */
  scrollTo(index, align = "nearest") {
    if (!this.count) return;
    const row = Math.max(0, Math.min(index, this.count - 1));
    if (align === "nearest" && this.isVisible(row)) return;
    this.#draw({ index: row, at: this.#aligned(row, align) }, true);
    const at = this.#aligned(row, align); // now that its height is known
    if (Math.abs(at - this.#anchor.at) > SAME) this.#draw({ index: row, at }, true);
    this.#anchor = this.#topmost();
  }

  /** Whether a row is in the view, as much of it as has room. */
  isVisible(index) {
    const { offset, height } = this.#view();
    const [top, bottom] = this.#options.insets();
    const begin = this.#heights.before(index);
    const end = begin + Math.min(this.#heights.of(index), height - top - bottom);
    return begin >= offset + top - SAME && end <= offset + height - bottom + SAME;
  }

  focus(index, selector) {
    this.scrollTo(index);
    const row = this.rowAt(index);
    const target = selector ? row?.querySelector(selector) : row;
    target?.focus({ preventScroll: true });
    return target ?? null;
  }

  rowAt(index) {
    return index in this.#items ? this.#rows.of(this.#key(index)) : null;
  }

  indexOfKey(key) {
    return this.#indexes.get(key) ?? -1;
  }

  close() {
    this.#abort.abort();
    this.#rows.close();
  }

  #key(index) {
    return this.#options.key(this.#items[index], index);
  }

  #estimate() {
    const width = (this.#width ||= this.#element.clientWidth);
    const heights = this.#items.map((item, index) => {
      const known = this.#measured.get(this.#options.key(item, index));
      return known ?? this.#options.estimate(item, index, width);
    });
    this.#heights = new Heights(heights);
  }

  #guess(key, index) {
    this.#measured.delete(key);
    this.#heights.set(index, this.#options.estimate(this.#items[index], index, this.#width));
  }

  /** Where the list is seen: px of it above the view, and the height of the view. */
  #view() {
    const box = this.#element.getBoundingClientRect();
    const top = this.#scroller ? this.#scroller.getBoundingClientRect().top : 0;
    const height = (this.#scroller ?? document.documentElement).clientHeight;
    return { offset: top - box.top, height };
  }

  /** Where its top is in the view, px. */
  #topmost() {
    const { offset } = this.#view();
    const index = this.#heights.at(offset);
    return { index, at: this.#heights.before(index) - offset };
  }

  /** The anchor among other rows: the same row, or the first after it that is still there. */
  #anchorAmong(places) {
    if (!this.count) return { index: 0, at: -this.#view().offset };
    for (let index = this.#anchor.index; index < this.count; index++) {
      const place = places.get(this.#key(index));
      if (place !== undefined) return { index: place, at: this.#anchor.at };
    }
    return { index: Math.max(0, Math.min(this.#anchor.index, places.size - 1)), at: this.#anchor.at };
  }

  #aligned(index, align) {
    const { offset, height } = this.#view();
    const [top, bottom] = this.#options.insets();
    const room = height - top - bottom;
    const own = this.#heights.of(index);
    const at = this.#heights.before(index) - offset;
    if (align === "start" || own >= room) return top;
    if (align === "center") return top + (room - own) / 2;
    return at < top ? top : Math.min(at, height - bottom - own);
  }

  #scrolled() {
    this.#anchor = this.#topmost();
    this.#draw(this.#anchor, false);
  }

  #resized(entries) {
    const width = this.#element.clientWidth;
    if (width !== this.#width && width > 0) {
      this.#width = width;
      this.#measured.clear();
      this.#rows.spoilAll();
      this.#estimate();
      this.#draw(this.#anchor, true);
    } else if (entries.some(({ target }) => target !== this.#element) && this.#measure()) {
      this.#draw(this.#anchor, true);
    }
  }

  /** Make the rows near the view, so that the anchor's row stands where the anchor says. */
  #draw(anchor, isForced) {
    const { offset, height } = this.#view(); // read once: what follows makes the layout dirty
    if (!isForced && this.#covers(anchor, height)) return;
    const ahead = this.#ahead(anchor, height);
    for (let round = 0; round < ROUNDS; round++) {
      this.#place(...this.#range(anchor, height, ahead));
      this.#pad(); // before the layout: what is measured are rows between the paddings
      if (!this.#measure() || this.#covers(anchor, height)) break;
    }
    this.#scrollBy(this.#heights.before(anchor.index) - anchor.at - offset);
    this.#anchor = anchor;
    this.#options.drawn?.(this.#first, this.#last);
  }

  /** How many views of rows are made in advance now: few after a far jump, and the others later. */
  #ahead(anchor, height) {
    const [first, last] = this.#range(anchor, height, 0);
    const isFar = last < this.#first || first > this.#last;
    if (isFar && !this.#isPartial) {
      this.#isPartial = true;
      later(() => {
        this.#isPartial = false;
        this.#draw(this.#anchor, true);
      });
    }
    return isFar ? NEAR : AHEAD;
  }

  #covers(anchor, height) {
    const [first, last] = this.#range(anchor, height, NEAR);
    return first >= this.#first && last <= this.#last;
  }

  #range(anchor, height, ahead) {
    if (!this.count) return [0, -1];
    const top = this.#heights.before(anchor.index) - anchor.at;
    return [this.#heights.at(top - height * ahead), this.#heights.at(top + height * (1 + ahead))];
  }

  #place(first, last) {
    const indexes = new Set(this.#rows.held().map((key) => this.indexOfKey(key)));
    indexes.delete(-1);
    for (let index = first; index <= last; index++) indexes.add(index);
    const wanted = new Map();
    for (const index of [...indexes].sort((a, b) => a - b)) {
      const top = index < first || index > last ? this.#heights.before(index) : null;
      wanted.set(this.#key(index), { item: this.#items[index], index, top });
    }
    [this.#first, this.#last] = [first, last];
    this.#rows.place(wanted);
  }

  /** Whether any height was not known. */
  #measure() {
    let isChanged = false;
    for (const [key, height] of this.#rows.sizes()) {
      const index = this.indexOfKey(key);
      if (index < 0) continue;
      this.#measured.set(key, height);
      if (Math.abs(height - this.#heights.of(index)) < SAME) continue;
      this.#heights.set(index, height);
      isChanged = true;
    }
    return isChanged;
  }

  #pad() {
    const after = this.#heights.total - this.#heights.before(this.#last + 1);
    this.#element.style.paddingTop = `${this.#heights.before(this.#first)}px`;
    this.#element.style.paddingBottom = `${after}px`;
  }

  #scrollBy(distance) {
    if (Math.abs(distance) > SAME) (this.#scroller ?? document.scrollingElement).scrollTop += distance;
  }
}

/** Call `act` when there is time; some browsers cannot say when that is. */
const later = window.requestIdleCallback ?? ((act) => setTimeout(act, 50));
