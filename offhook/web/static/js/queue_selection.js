/** Which calls are selected, and which one is active: with mouse and keyboard as in a file manager. */

export class Selection {
  active = null;
  #ids = new Set();
  #anchor = null;
  #calls;
  #changed;

  /** `calls.ids` are the calls in their order; `changed` is called after every change. */
  constructor(calls, changed) {
    this.#calls = calls;
    this.#changed = changed;
  }

  has(id) {
    return this.#ids.has(id);
  }

  get size() {
    return this.#ids.size;
  }

  /** The selected calls in their order; without any, the active one. */
  get ids() {
    if (this.#ids.size) return this.#calls.ids.filter((id) => this.#ids.has(id));
    return this.active === null ? [] : [this.active];
  }

  get activeIndex() {
    return this.active === null ? -1 : this.#calls.ids.indexOf(this.active);
  }

  only(id) {
    this.#set([id], id, id);
  }

  toggle(id) {
    const ids = new Set(this.#ids);
    if (!ids.delete(id)) ids.add(id);
    this.#set(ids, id, id);
  }

  extend(id) {
    const order = this.#calls.ids;
    const anchor = order.includes(this.#anchor) ? this.#anchor : id;
    const [first, last] = [order.indexOf(anchor), order.indexOf(id)].sort((a, b) => a - b);
    this.#set(order.slice(first, last + 1), anchor, id);
  }

  all() {
    this.#set(this.#calls.ids, this.#anchor, this.active ?? this.#calls.ids[0] ?? null);
  }

  clear() {
    this.#set([], this.active, this.active);
  }

  /** Make the call at a place active; with `isExtending` all on the way there are selected. */
  go(index, isExtending) {
    const order = this.#calls.ids;
    if (!order.length) return;
    const id = order[Math.max(0, Math.min(index, order.length - 1))];
    if (isExtending) {
      if (!this.#ids.size) this.#anchor = this.active ?? id;
      this.extend(id);
    } else {
      this.active = id;
      this.#anchor = id;
      this.#changed();
    }
  }

  /** After the order has changed: what is gone is not selected, and the active call is the next one. */
  follow(before) {
    const there = new Set(this.#calls.ids);
    this.#ids = new Set([...this.#ids].filter((id) => there.has(id)));
    if (this.active !== null && !there.has(this.active)) {
      const place = before.indexOf(this.active);
      const next = before.slice(place).find((id) => there.has(id));
      this.active = next ?? this.#calls.ids.at(-1) ?? null;
      this.#anchor = this.active;
    }
    this.#changed();
  }

  #set(ids, anchor, active) {
    this.#ids = new Set(ids);
    this.#anchor = anchor;
    this.active = active;
    this.#changed();
  }
}
