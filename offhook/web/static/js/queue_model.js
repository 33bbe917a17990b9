/**
 * The calls that the page shows: the numbers of all that pass the filter, in their order, and the rows that
 * were looked at. Events bring them up to date; what may change the order is asked for again.
 */

import { get } from "./api.js";

/** Rows that come with an order; rows that are asked for together. */
const FIRST = 60;
const BLOCK = 100;
/** While much changes, the order is asked for no more often than that. */
const REST_MS = 400;
/** Events that come together are shown together. */
const TELL_MS = 20;
/** What a search looks at, and what each order depends on. */
const SEARCHED = ["title", "candidate_id", "project_id", "error", "recording_path"];
const SORTED = {
  created_at: [], title: ["title"], duration: ["duration_seconds"], status: ["status"],
  candidate: ["candidate_id"], priority: ["priority"],
};

export class Calls {
  filter;
  ids = [];
  counts = {};
  #rows = new Map();
  #seqs = new Map(); // id -> number of the change that its row is of, if an event brought it
  #told;
  #wanted = [0, -1];
  #isLoading = false;
  #asking = null; // the controller of the request for the order
  #isStale = false;
  #timer = 0;
  #touched = new Set();
  #leaving = new Set();
  #telling = 0;
  #askedAt = 0;

  /** `data` is the page's; `told` has `ordered()`, `changed(ids)`, `counted()` and `failed(error)`. */
  constructor(data, told) {
    this.#told = told;
    this.filter = data.filter;
    this.ids = data.ids;
    this.counts = data.counts;
    for (const row of data.records) this.#rows.set(row.id, row);
  }

  row(id) {
    return this.#rows.get(id);
  }

  narrow(change) {
    Object.assign(this.filter, change);
    this.#ask();
  }

  want(first, last) {
    this.#wanted = [first, last];
    if (!this.#isLoading) this.#load();
  }

  take(row, seq) {
    const before = this.#rows.get(row.id);
    this.#rows.set(row.id, row);
    if (seq !== null) this.#seqs.set(row.id, seq);
    if (row.deletion_due_at) this.#leaving.add(row.id);
    else if (this.#mayMove(before, row, this.ids.includes(row.id))) this.#askSoon();
    if (before?.status !== row.status && this.filter.q) this.#askSoon(); // the counts are of what is found
    this.#touched.add(row.id);
    this.#tellSoon();
  }

  drop(id) {
    this.#leaving.add(id);
    this.#tellSoon();
  }

  /** Show some calls no more. */
  remove(ids) {
    const gone = new Set(ids);
    this.#isStale = this.#asking !== null;
    if (!this.ids.some((id) => gone.has(id))) return;
    this.ids = this.ids.filter((id) => !gone.has(id));
    this.#told.ordered();
  }

  /** How many calls are in each state; with a search only those that it finds. */
  count(counts) {
    if (this.filter.q) return;
    this.counts = counts;
    this.#told.counted();
  }

  /** Tell of many changes at once: each one draws the list. */
  #tellSoon() {
    this.#telling ||= setTimeout(() => {
      const [leaving, touched] = [this.#leaving, this.#touched];
      [this.#telling, this.#leaving, this.#touched] = [0, new Set(), new Set()];
      if (leaving.size) this.remove(leaving);
      this.#told.changed([...touched].filter((id) => !leaving.has(id)));
    }, TELL_MS);
  }

  /** Whether a row may come, go or change its place. */
  #mayMove(before, row, isShown) {
    const { status, q, sort } = this.filter;
    if (!isShown && status && row.status !== status) return false;
    if (!isShown && !(q && before)) return true;
    const fields = [...(status ? ["status"] : []), ...(q ? SEARCHED : []), ...SORTED[sort.replace("-", "")]];
    return fields.some((field) => before?.[field] !== row[field]);
  }

  #askSoon() {
    this.#isStale = true;
    if (this.#asking || this.#timer) return;
    const rested = performance.now() - this.#askedAt;
    this.#timer = setTimeout(() => this.#ask(), Math.max(0, REST_MS - rested));
  }

  async #ask() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#asking?.abort();
    const asking = new AbortController();
    [this.#asking, this.#isStale, this.#askedAt] = [asking, false, performance.now()];
    try {
      const found = await get(`/api/v1/records/order?${this.#query()}`, { signal: asking.signal });
      if (asking !== this.#asking) return;
      this.#keep(found);
      this.ids = found.ids;
      this.counts = found.counts;
      this.#told.ordered();
      this.#told.counted();
    } catch (error) {
      if (error.name !== "AbortError") this.#told.failed(error);
    } finally {
      if (asking === this.#asking) {
        this.#asking = null;
        if (this.#isStale) this.#askSoon();
      }
    }
  }

  #query() {
    const { status, q, sort } = this.filter;
    return new URLSearchParams({ ...(status && { status }), ...(q && { q }), sort, first: FIRST });
  }

  /** Keep rows of an answer, except those that an event has overtaken. */
  #keep({ records, seq }) {
    const kept = records.filter((row) => !(this.#seqs.get(row.id) > seq));
    for (const row of kept) this.#rows.set(row.id, row);
    return kept.map((row) => row.id);
  }

  async #load() {
    this.#isLoading = true;
    try {
      for (let missing = this.#missing(); missing.length; missing = this.#missing()) {
        const found = await get(`/api/v1/records/rows?ids=${missing}`);
        const kept = this.#keep(found);
        const gone = missing.filter((id) => !this.#rows.has(id));
        if (gone.length) this.remove(gone);
        this.#told.changed(kept);
      }
    } catch (error) {
      this.#told.failed(error);
    } finally {
      this.#isLoading = false;
    }
  }

  #missing() {
    const [first, last] = this.#wanted;
    return this.ids.slice(first, last + 1).filter((id) => !this.#rows.has(id)).slice(0, BLOCK);
  }
}
