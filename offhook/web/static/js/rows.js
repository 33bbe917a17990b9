/** The rows of a virtual list that are in the document: each element with its key and what it shows. */
export class Rows {
  #element;
  #options;
  #rows = new Map(); // key -> { row, item }
  #keys = new WeakMap(); // row -> key
  #stale = new Set(); // keys of rows to be made again
  #observer;

  /** `options` are those of VirtualList. */
  constructor(element, options, resized) {
    this.#element = element;
    this.#options = options;
    this.#observer = new ResizeObserver(resized);
    this.#observer.observe(element);
  }

  has(key) {
    return this.#rows.has(key);
  }

  of(key) {
    return this.#rows.get(key)?.row ?? null;
  }

  keyOf(node) {
    let row = node;
    while (row && row.parentNode !== this.#element) row = row.parentNode;
    return row ? this.#keys.get(row) : undefined;
  }

  /** The keys of rows that have the focus or an end of the selection. */
  held() {
    const selection = document.getSelection();
    const nodes = [document.activeElement, selection?.anchorNode, selection?.focusNode];
    return nodes.filter((node) => this.#element.contains(node)).map((node) => this.keyOf(node));
  }

  /** Make a row again when it is next placed. */
  spoil(key) {
    this.#stale.add(key);
  }

  spoilAll() {
    for (const key of this.#rows.keys()) this.#stale.add(key);
  }

  /** The key and the present height of each row, px. */
  *sizes() {
    for (const [key, { row }] of this.#rows) yield [key, row.getBoundingClientRect().height];
  }

  /**
   * Put these rows into the document, in order, and take the others out: a map from keys to
   * `{ item, index, top }`. `top` is set for a row outside of the view, which must not move the others.
   */
  place(wanted) {
    const focused = document.activeElement;
    for (const key of [...this.#rows.keys()]) if (!wanted.has(key)) this.#remove(key);
    let next = this.#element.firstElementChild;
    for (const [key, { item, index, top }] of wanted) {
      const row = this.#updated(key, item, index);
      this.#pin(row, top);
      this.#number(row, index);
      if (row === next) next = next.nextElementSibling;
      else this.#element.insertBefore(row, next);
    }
    if (focused !== document.activeElement && this.#element.contains(focused))
      focused.focus({ preventScroll: true }); // an element that moves loses it
  }

  close() {
    this.#observer.disconnect();
    this.#element.replaceChildren();
  }

  #remove(key) {
    const { row, item } = this.#rows.get(key);
    this.#observer.unobserve(row);
    this.#rows.delete(key);
    this.#stale.delete(key);
    row.remove();
    this.#options.removed?.(row, item);
  }

  /** The row of an item, made or made again where that is needed. */
  #updated(key, item, index) {
    const there = this.#rows.get(key);
    if (there && there.item === item && !this.#stale.has(key)) return there.row;
    const row = this.#options.render(item, index, there?.row ?? null);
    if (there && row !== there.row) {
      this.#observer.unobserve(there.row);
      there.row.replaceWith(row);
      this.#options.removed?.(there.row, there.item);
    }
    if (row !== there?.row) this.#observer.observe(row);
    this.#keys.set(row, key);
    this.#rows.set(key, { row, item });
    this.#stale.delete(key);
    return row;
  }

  #pin(row, top) {
    const isOutside = top !== null;
    row.style.position = isOutside ? "absolute" : "";
    row.style.insetInline = isOutside ? "0" : "";
    row.style.top = isOutside ? `${top}px` : "";
  }

  /** Tell screen readers which row of how many it is. */
  #number(row, index) {
    if (this.#options.counting === "rows") {
      row.setAttribute("aria-rowindex", index + 1 + this.#options.headerRows);
    } else {
      row.setAttribute("aria-posinset", index + 1);
      row.setAttribute("aria-setsize", this.#options.count());
    }
  }
}
