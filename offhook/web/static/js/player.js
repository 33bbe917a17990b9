/**
 * Plays a record's audio. Times are ms from its beginning.
 *
 * Raises "state" when it starts, stops, is ready or fails, "time" in each frame while it plays and after a
 * jump, and "jump" after one that the reader wanted.
 */

import { get, send } from "./api.js";

/** The slowest and the fastest speed, and the steps of the keys. */
export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3];
/** A pause between words that is longer is skipped if the reader wants that, ms. */
const PAUSE = 1000;
/** So much of a pause is still played at both of its ends, ms. */
const EDGE = 250;
const POLL_MS = 1000;
const SPEED_KEY = "offhook.speed";
const SKIP_KEY = "offhook.skip-silence";

export class Player extends EventTarget {
  #audio = new Audio();
  #frame = 0;
  #loop = null; // { from, to }
  #stopAt = null;
  #speech; // (ms) => { end, next }: when the last word ends, and when the next one begins
  #skips = localStorage.getItem(SKIP_KEY) === "1";
  #duration;
  #sound = { progress: 0, why: null };

  /** `durationMs` is used until the audio is known; `speech(ms)` says where words are, to skip pauses. */
  constructor(path, durationMs, speech) {
    super();
    this.#duration = durationMs;
    this.#speech = speech;
    Object.assign(this.#audio, { preload: "metadata", preservesPitch: true });
    this.speed = Number(localStorage.getItem(SPEED_KEY)) || 1;
    this.#listen();
    connectSound(this.#audio, path, (sound) => {
      this.#sound = sound;
      this.#say("state");
    });
  }

  get ms() {
    return this.#audio.currentTime * 1000;
  }

  get durationMs() {
    return Number.isFinite(this.#audio.duration) ? this.#audio.duration * 1000 : this.#duration;
  }

  get isPlaying() {
    return !this.#audio.paused && !this.#audio.ended;
  }

  /** How far a copy is that this browser can play, from 0 to 1; null if it can be played, or never will. */
  get progress() {
    return this.#sound.progress;
  }

  /** Why it cannot be played; null if it can be. */
  get why() {
    return this.#sound.why;
  }

  get canPlay() {
    return this.progress === null && this.why === null;
  }

  get speed() {
    return this.#audio.playbackRate;
  }

  set speed(speed) {
    this.#audio.defaultPlaybackRate = this.#audio.playbackRate = Math.min(3, Math.max(0.5, speed));
    localStorage.setItem(SPEED_KEY, String(this.speed));
    this.#say("state");
  }

  get skipsSilence() {
    return this.#skips;
  }

  set skipsSilence(does) {
    this.#skips = does;
    localStorage.setItem(SKIP_KEY, does ? "1" : "0");
    this.#say("state");
  }

  get loop() {
    return this.#loop;
  }

  /** Play this part again and again: `{ from, to }`; null ends that. */
  set loop(part) {
    this.#loop = part;
    this.#say("state");
  }

  toggle() {
    return this.isPlaying ? this.pause() : this.play();
  }

  async play() {
    this.#stopAt = null;
    await this.#start();
  }

  pause() {
    this.#audio.pause();
  }

  seek(ms) {
    this.#stopAt = null;
    this.#jump(ms);
  }

  skip(ms) {
    this.seek(this.ms + ms);
  }

  /** The text does not follow. */
  async playPart(from, to) {
    this.#jump(from, { isQuiet: true });
    this.#stopAt = to;
    await this.#start();
  }

  faster(steps) {
    const near = SPEEDS.reduce((best, it) => (Math.abs(it - this.speed) < Math.abs(best - this.speed) ? it : best));
    const place = Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(near) + steps));
    this.speed = SPEEDS[place];
  }

  async #start() {
    try {
      await this.#audio.play();
    } catch (error) {
      if (error.name !== "AbortError") this.#say("state");
    }
  }

  #jump(ms, { isQuiet = false } = {}) {
    const within = Math.max(0, Math.min(ms, this.durationMs));
    if (this.#loop && (within < this.#loop.from || within > this.#loop.to)) this.loop = null;
    this.#audio.currentTime = within / 1000;
    if (!isQuiet) this.#say("jump");
    this.#say("time");
  }

  #listen() {
    const audio = this.#audio;
    for (const name of ["pause", "ended", "loadedmetadata", "playing"])
      audio.addEventListener(name, () => this.#say("state"));
    audio.addEventListener("play", () => {
      this.#say("state");
      cancelAnimationFrame(this.#frame);
      this.#frame = requestAnimationFrame(() => this.#tick());
    });
    audio.addEventListener("seeked", () => this.#say("time"));
    audio.addEventListener("timeupdate", () => this.#check()); // frames stand still in a page in the background
  }

  #tick() {
    if (!this.isPlaying) return;
    this.#frame = requestAnimationFrame(() => this.#tick());
    this.#check();
    this.#say("time");
  }

  #check() {
    const now = this.ms;
    if (this.#stopAt !== null && now >= this.#stopAt) {
      this.#stopAt = null;
      this.pause();
    } else if (this.#loop && now >= this.#loop.to) {
      this.#audio.currentTime = this.#loop.from / 1000;
    } else if (this.#skips && this.#stopAt === null && this.isPlaying) {
      this.#skipPause(now);
    }
  }

  #skipPause(now) {
    const { end, next } = this.#speech(now);
    if (next !== null && next - end > PAUSE && now > end + EDGE && next - EDGE > now)
      this.#audio.currentTime = (next - EDGE) / 1000;
  }

  #say(what) {
    this.dispatchEvent(new Event(what));
  }
}

/**
 * Give an audio element the sound of a record, as soon as there is one that it can play. `tell` gets how far a
 * copy is (`progress`), which is null when it is there, or `why` there is no sound.
 */
async function connectSound(audio, path, tell) {
  let hasAskedForCopy = false;
  audio.addEventListener("error", async () => {
    if (hasAskedForCopy) return tell({ progress: null, why: "This browser cannot play the recording." });
    hasAskedForCopy = true;
    return wait(() => send("POST", `${path}/playback`));
  });
  await wait(() => get(`${path}/playback`));

  async function wait(first) {
    try {
      for (let found = await first(); ; found = await get(`${path}/playback`)) {
        hasAskedForCopy ||= found.is_copy;
        if (found.ready) {
          audio.src = `${path}/audio`;
          return tell({ progress: null, why: null });
        }
        if (found.why) return tell({ progress: null, why: found.why });
        tell({ progress: found.progress, why: null });
        await new Promise((done) => setTimeout(done, POLL_MS));
      }
    } catch (error) {
      return tell({ progress: null, why: error.message });
    }
  }
}
