/** The bar with the player, at the foot of the page. */
import { byId, fill, h } from "./dom.js";
import { clock } from "./format.js";
import { icon } from "./icons.js";
import { bind } from "./keys.js";
import { SPEEDS } from "./player.js";
import { Waveform } from "./waveform.js";

const SKIP_MS = 5000;

export class PlayerBar {
  #player;
  #parts = {};
  #waveform;
  #shown = ""; // the time as it is shown

  /** `reader.loop()` says what would be repeated now. */
  constructor(player, waveformUrl, reader) {
    this.#player = player;
    const bar = byId("player");
    fill(bar, this.#build(reader));
    this.#waveform = new Waveform(this.#parts.wave, player, waveformUrl);
    player.addEventListener("time", () => this.#showTime());
    player.addEventListener("state", () => this.#showState());
    new ResizeObserver(() =>
      document.documentElement.style.setProperty("--player-height", `${bar.offsetHeight}px`),
    ).observe(bar);
    this.#bind(reader);
    this.#showState();
  }

  /** Moments to be marked in the waveform, ms. */
  set marks(marks) {
    this.#waveform.marks = marks;
  }

  get end() {
    return this.#parts.end;
  }

  #build(reader) {
    const player = this.#player;
    const button = (name, label, act, keys) =>
      h("button", { class: "quiet", title: `${label} (${keys})`, "aria-label": label,
        "aria-keyshortcuts": keys, onclick: act }, icon(name));
    this.#parts = {
      play: button("play", "Play", () => player.toggle(), "Space"),
      time: h("span", { class: "numeric" }, clock(0)),
      length: h("span", { class: "numeric quiet-text" }),
      wave: h("canvas", { class: "wave", role: "slider", tabindex: "0", "aria-label": "Time in the recording",
        "aria-valuemin": "0" }),
      speed: this.#speeds(),
      skip: h("input", { type: "checkbox", checked: player.skipsSilence,
        onchange: ({ target }) => (player.skipsSilence = target.checked) }),
      loop: button("loop", "Repeat the passage or the selection",
        () => (player.loop = player.loop ? null : reader.loop()), "r"),
      why: h("span", { class: "player-why", role: "status" }),
      end: h("div", { class: "player-end row" }),
    };
    const { play, time, length, wave, speed, skip, loop, why, end } = this.#parts;
    play.classList.add("play");
    const back = button("back", "Back 5 seconds", () => player.skip(-SKIP_MS), "j");
    const on = button("forward", "On 5 seconds", () => player.skip(SKIP_MS), "l");
    return [
      h("div", { class: "player-buttons" }, back, play, on),
      h("div", { class: "player-time" }, time, h("span", { class: "quiet-text" }, " / "), length),
      why,
      wave,
      h("div", { class: "player-options" }, speed, h("label", { class: "skip-silence" }, skip, "Skip pauses"), loop),
      end,
    ];
  }

  #speeds() {
    const options = SPEEDS.map((speed) => h("option", { value: String(speed) }, `${speed}×`));
    const change = ({ target }) => (this.#player.speed = Number(target.value));
    return h("select", { "aria-label": "Speed", title: "Speed ([ and ])", onchange: change }, options);
  }

  #bind(reader) {
    const player = this.#player;
    bind("Space k", "Play or pause", () => player.toggle());
    bind("j ArrowLeft", "Back 5 seconds", () => player.skip(-SKIP_MS));
    bind("l ArrowRight", "On 5 seconds", () => player.skip(SKIP_MS));
    bind("[", "Slower", () => player.faster(-1));
    bind("]", "Faster", () => player.faster(1));
    bind("r", "Repeat the passage or the selection", () => (player.loop = player.loop ? null : reader.loop()));
  }

  #showTime() {
    const shown = clock(this.#player.ms / 1000);
    if (shown !== this.#shown) this.#parts.time.textContent = this.#shown = shown;
  }

  #showState() {
    const { isPlaying, canPlay, progress, why, speed, skipsSilence, loop, durationMs } = this.#player;
    const { play } = this.#parts;
    const label = isPlaying ? "Pause" : "Play";
    if (play.getAttribute("aria-label") !== label) {
      play.setAttribute("aria-label", label);
      play.title = `${label} (Space)`;
      fill(play, icon(isPlaying ? "pause" : "play"));
    }
    play.disabled = !canPlay;
    const percent = progress === null ? null : `Preparing ${Math.round(progress * 100)} %`;
    this.#parts.why.textContent = why ?? percent ?? "";
    this.#parts.length.textContent = clock(durationMs / 1000);
    this.#parts.speed.value = String(speed);
    this.#parts.skip.checked = skipsSilence;
    this.#parts.loop.setAttribute("aria-pressed", String(Boolean(loop)));
    this.#showTime();
  }
}
