/** Level meters: moved by transforms alone, so that ten levels a second lay nothing out. */

export const QUIETEST_DBFS = -60;
/** A peak from here on was clipped by its device. */
const CLIPPED = 0.999;
const HOLD_MS = 1500;
const FALL_DB_PER_SECOND = 20;
const TEXT_EVERY_MS = 500;
const CLIP_SHOWN_MS = 5000;

/** A level from 0 to 1 as decibels below full scale, as far down as the meters go. */
const dbfs = (level) => (level > 0 ? Math.max(QUIETEST_DBFS, 20 * Math.log10(level)) : QUIETEST_DBFS);

const share = (decibels) => 1 - decibels / QUIETEST_DBFS;

/** The meter of one side. */
export class Meter {
  #element;
  #parts;
  #held = QUIETEST_DBFS;
  #heldAt = 0;
  #drawnAt = 0;
  #textAt = 0;
  #clippedAt = -Infinity;

  constructor(element) {
    const part = (name) => element.querySelector(`.meter-${name}`);
    this.#element = element;
    this.#parts = { cover: part("cover"), hold: part("hold"), value: part("value"), clip: part("clip") };
    this.reset();
  }

  /** Show a level and its peak, both from 0 to 1. */
  show(level, peak, now = performance.now()) {
    const [loud, top] = [dbfs(level), dbfs(peak)];
    this.#hold(top, now);
    this.#draw(loud);
    if (peak >= CLIPPED) this.#clippedAt = now;
    this.#parts.clip.hidden = now - this.#clippedAt > CLIP_SHOWN_MS;
    if (now - this.#textAt < TEXT_EVERY_MS) return;
    this.#textAt = now;
    this.#write(loud);
  }

  /** Show that nothing is measured. */
  reset() {
    this.#held = QUIETEST_DBFS;
    this.#clippedAt = -Infinity;
    this.#parts.clip.hidden = true;
    this.#draw(QUIETEST_DBFS);
    this.#parts.value.textContent = "";
    this.#element.setAttribute("aria-valuenow", QUIETEST_DBFS);
    this.#element.setAttribute("aria-valuetext", "nothing");
  }

  /** The highest peak stays for a moment, then falls. */
  #hold(top, now) {
    const fallen = now - this.#heldAt > HOLD_MS ? (FALL_DB_PER_SECOND * (now - this.#drawnAt)) / 1000 : 0;
    if (top >= this.#held) this.#heldAt = now;
    this.#held = Math.max(top, this.#held - fallen);
    this.#drawnAt = now;
  }

  #draw(loud) {
    this.#parts.cover.style.transform = `scaleX(${(1 - share(loud)).toFixed(4)})`;
    this.#parts.hold.style.transform = `translateX(${(100 * share(this.#held)).toFixed(2)}%)`;
  }

  #write(loud) {
    const text = loud > QUIETEST_DBFS ? `${loud.toFixed(0)} dBFS` : "silent";
    this.#parts.value.textContent = text.replace("-", "−");
    this.#element.setAttribute("aria-valuenow", loud.toFixed(0));
    this.#element.setAttribute("aria-valuetext", text);
  }
}
