/** Heights of rows one under another, in px: a Fenwick tree, so that a change and a question cost log n. */
export class Heights {
  #heights;
  #sums; // #sums[i] is the sum of the (i & -i) heights that end with row i - 1
  #top = 1; // the largest power of two that is not above the number of rows

  constructor(heights) {
    const count = heights.length;
    this.#heights = Float64Array.from(heights);
    this.#sums = new Float64Array(count + 1);
    while (this.#top * 2 <= count) this.#top *= 2;
    for (let i = 1; i <= count; i++) {
      this.#sums[i] += this.#heights[i - 1];
      const parent = i + (i & -i);
      if (parent <= count) this.#sums[parent] += this.#sums[i];
    }
  }

  get count() {
    return this.#heights.length;
  }

  get total() {
    return this.before(this.count);
  }

  of(index) {
    return this.#heights[index] ?? 0;
  }

  /** Where the top of a row is. */
  before(index) {
    let sum = 0;
    for (let i = Math.min(index, this.count); i > 0; i -= i & -i) sum += this.#sums[i];
    return sum;
  }

  set(index, height) {
    const more = height - this.#heights[index];
    this.#heights[index] = height;
    for (let i = index + 1; i <= this.count; i += i & -i) this.#sums[i] += more;
  }

  /** The row at a distance from the top; the first or the last one outside of all rows. */
  at(offset) {
    let found = 0;
    let left = offset;
    for (let step = this.#top; step > 0; step >>= 1) {
      const next = found + step;
      if (next <= this.count && this.#sums[next] <= left) {
        found = next;
        left -= this.#sums[next];
      }
    }
    return Math.max(0, Math.min(found, this.count - 1));
  }
}
