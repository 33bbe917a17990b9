/** The waveform of a record, a side above and a side below a line; click or drag in it to go there. */
import { get } from "./api.js";
import { clock } from "./format.js";

/** A peak is a byte, in steps of half a dB; what is below this is drawn as silence. */
const SILENCE = 147;
const LOUDEST = 255;
/** Px of a bar and of the space after it. */
const BAR = 2;
const GAP = 1;
const RETRY_MS = 1500;
const STEP_MS = 5000;

export class Waveform {
  #canvas;
  #player;
  #url;
  #found = { sides: [], peaks: [] };
  #isAsking = false;
  #isDragged = false;
  #drawn = ""; // what the canvas shows, so that it is drawn only when that changes
  #colours = null;
  #marks = []; // ms

  /** `canvas` has the role of a slider; `url` is that of the waveform. */
  constructor(canvas, player, url) {
    [this.#canvas, this.#player, this.#url] = [canvas, player, url];
    for (const name of ["time", "state"]) player.addEventListener(name, () => this.#draw());
    new ResizeObserver(() => this.#load()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#colours = null;
      this.#draw(true);
    });
    this.#listen();
  }

  /** Moments to be marked, ms: notes. */
  set marks(marks) {
    this.#marks = marks;
    this.#draw(true);
  }

  async #load() {
    const width = Math.floor(this.#canvas.clientWidth / (BAR + GAP));
    if (!width || this.#isAsking) return;
    if (width === this.#found.width) return this.#draw(true);
    this.#isAsking = true;
    try {
      const range = `from_ms=0&to_ms=${Math.round(this.#player.durationMs)}`;
      const found = await get(`${this.#url}?${range}&width=${width}`);
      const isOver = found.ready || found.why;
      this.#found = { ...found, width: isOver ? width : 0 };
      if (!isOver) setTimeout(() => this.#load(), RETRY_MS);
    } catch {
      this.#found = { sides: [], peaks: [], width }; // without a waveform the line is still of use
    } finally {
      this.#isAsking = false;
    }
    this.#draw(true);
    if (this.#found.width) this.#load(); // it may have another width by now
  }

  #listen() {
    const canvas = this.#canvas;
    const go = (event) => {
      const box = canvas.getBoundingClientRect();
      this.#player.seek(((event.clientX - box.left) / box.width) * this.#player.durationMs);
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.#isDragged = true;
      canvas.setPointerCapture(event.pointerId);
      go(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (this.#isDragged) go(event);
      canvas.title = clock((event.offsetX / canvas.clientWidth) * (this.#player.durationMs / 1000));
    });
    for (const name of ["pointerup", "pointercancel"])
      canvas.addEventListener(name, () => (this.#isDragged = false));
    canvas.addEventListener("keydown", (event) => this.#pressed(event));
  }

  #pressed(event) {
    const { ms, durationMs } = this.#player;
    const targets = {
      ArrowLeft: ms - STEP_MS,
      ArrowDown: ms - STEP_MS,
      ArrowRight: ms + STEP_MS,
      ArrowUp: ms + STEP_MS,
      PageUp: ms + durationMs / 20,
      PageDown: ms - durationMs / 20,
      Home: 0,
      End: durationMs,
    };
    if (!(event.key in targets) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.#player.seek(targets[event.key]);
  }

  #draw(isForced = false) {
    const { ms, durationMs, loop } = this.#player;
    const bars = Math.floor(this.#canvas.clientWidth / (BAR + GAP));
    const at = durationMs ? Math.floor((ms / durationMs) * bars) : 0;
    const shown = `${bars} ${at} ${loop?.from} ${loop?.to}`;
    if (shown === this.#drawn && !isForced) return;
    this.#drawn = shown;
    this.#tell(ms, durationMs);
    const context = this.#sized();
    const middle = this.#canvas.clientHeight / 2;
    const [first, second] = this.#found.peaks;
    const colours = (this.#colours ??= this.#read());
    if (loop) this.#area(context, loop, durationMs, colours.loop);
    for (let bar = 0; bar < bars; bar++) {
      context.fillStyle = bar <= at ? colours.played : colours.ahead;
      const up = this.#height(first, bar, bars) * (second ? middle - 1 : middle);
      const down = second ? this.#height(second, bar, bars) * (middle - 1) : up;
      context.fillRect(bar * (BAR + GAP), middle - up, BAR, up + down);
    }
    context.fillStyle = colours.mark;
    for (const mark of this.#marks) context.fillRect((mark / durationMs) * this.#canvas.clientWidth - 1, 0, 3, 5);
    context.fillStyle = colours.here;
    context.fillRect((ms / durationMs) * this.#canvas.clientWidth - 0.75, 0, 1.5, middle * 2);
  }

  #height(peaks, bar, bars) {
    if (!peaks?.length) return 0.04;
    const peak = peaks[Math.min(peaks.length - 1, Math.floor((bar / bars) * peaks.length))];
    return Math.max(0.04, (Math.max(0, peak - SILENCE) / (LOUDEST - SILENCE)) ** 2); // speech fills half of it
  }

  #area(context, { from, to }, durationMs, colour) {
    const scale = this.#canvas.clientWidth / durationMs;
    context.fillStyle = colour;
    context.fillRect(from * scale, 0, Math.max(2, (to - from) * scale), this.#canvas.clientHeight);
  }

  #sized() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.#canvas.clientWidth, this.#canvas.clientHeight];
    Object.assign(this.#canvas, { width: width * ratio, height: height * ratio });
    const context = this.#canvas.getContext("2d");
    context.scale(ratio, ratio);
    return context;
  }

  #read() {
    const { style } = this.#canvas;
    const colour = (name) => {
      style.color = `var(--${name})`;
      return getComputedStyle(this.#canvas).color;
    };
    const [played, ahead, here, mark, loop] = ["accent", "wave", "text", "warning", "accent-soft"].map(colour);
    style.color = "";
    return { played, ahead, here, mark, loop };
  }

  #tell(ms, durationMs) {
    const values = {
      "aria-valuemax": Math.round(durationMs / 1000),
      "aria-valuenow": Math.round(ms / 1000),
      "aria-valuetext": `${clock(ms / 1000)} of ${clock(durationMs / 1000)}`,
    };
    for (const [name, value] of Object.entries(values)) this.#canvas.setAttribute(name, value);
  }
}
