/** Sends one file by the tus protocol, and goes on where it was, whatever comes between. */

import { ApiError, changeHeaders, get } from "./api.js";

const PATH = "/api/v1/uploads";
const TUS = { "Tus-Resumable": "1.0.0" };
const WAITS_MS = [500, 1000, 2000, 4000, 8000, 15000];
/** Statuses that pass: another connection, another offset, the server restarts. */
const PASSING = [0, 404, 409, 423, 500, 502, 503];
const SMOOTHING = 0.3;
const MEASURE_MS = 500;

/** What tells a file from others, also after the page was loaded again. */
export const fingerprint = (file) => `${file.name}-${file.size}-${file.lastModified}`;

/** Locks that all tabs share; a page that did not come from this machine or by TLS has none. */
export const locks = navigator.locks ?? { request: (_, act) => act(), query: async () => ({ held: [] }) };
export const lockName = (print) => `upload ${print}`;

export class Sending {
  state = "waiting"; // sending, paused, away, checking, done, failed, cancelled
  sent = 0;
  bytesPerSecond = 0;
  record = null;
  wasKnown = false;
  message = "";
  #changed;
  #url = null;
  #request = null;
  #wake = () => {};
  #measured = { at: 0, sent: 0 };

  constructor(file, changed) {
    Object.assign(this, { file, name: file.name, size: file.size });
    this.#changed = () => changed(this);
  }

  get isOver() {
    return ["done", "failed", "cancelled"].includes(this.state);
  }

  get secondsLeft() {
    return this.bytesPerSecond ? (this.size - this.sent) / this.bytesPerSecond : null;
  }

  /** The lock tells other tabs that this one sends it. */
  async run() {
    await locks.request(lockName(fingerprint(this.file)), () => this.#untilOver());
  }

  pause() {
    this.#turn("paused");
    this.#interrupt();
  }

  async cancel() {
    this.#turn("cancelled");
    this.#interrupt();
    if (this.#url) await cancelUpload(this.#url);
  }

  async #untilOver() {
    if (this.state === "cancelled") return;
    this.#turn("sending");
    for (let failures = 0; this.#goesOn(); ) {
      const before = this.sent;
      try {
        await this.#attempt();
      } catch (error) {
        failures = this.sent > before ? 1 : failures + 1;
        if (this.#goesOn()) await this.#rest(error, failures);
      }
    }
  }

  #goesOn() {
    return !this.isOver && this.state !== "paused";
  }

  async #attempt() {
    await this.#look();
    if (this.record !== null || !this.#goesOn()) return;
    this.#turn("sending");
    this.#measured = { at: performance.now(), sent: this.sent };
    this.#done(await this.#patch());
  }

  async #look() {
    this.#url ??= (await this.#known()) ?? (await this.#begin());
    let response = await call("HEAD", this.#url, TUS);
    if (response.status === 404) {
      this.#url = await this.#begin();
      response = await call("HEAD", this.#url, TUS);
    }
    await refuse(response);
    this.sent = Number(response.headers.get("Upload-Offset"));
    const record = response.headers.get("Offhook-Record");
    if (record) this.#done({ record: { id: Number(record) }, was_known: false });
  }

  async #known() {
    const { uploads } = await get(`${PATH}?fingerprint=${encodeURIComponent(fingerprint(this.file))}`);
    const found = uploads.find(({ size_bytes: size }) => size === this.size);
    return found ? `${PATH}/${found.id}` : null;
  }

  async #begin() {
    const metadata = { filename: this.name, fingerprint: fingerprint(this.file) };
    const coded = Object.entries(metadata).map(([name, text]) => `${name} ${base64(text)}`).join(",");
    const response = await call("POST", PATH, { ...TUS, "Upload-Length": this.size, "Upload-Metadata": coded });
    await refuse(response);
    return response.headers.get("Location");
  }

  /** Send the rest; fetch() does not tell how far it is. */
  #patch() {
    const request = new XMLHttpRequest();
    this.#request = request;
    const offset = this.sent;
    return new Promise((resolve, reject) => {
      request.open("PATCH", this.#url);
      const headers = { ...TUS, ...changeHeaders(), Accept: "application/json", "Upload-Offset": offset,
        "Content-Type": "application/offset+octet-stream" };
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded }) => this.#progress(offset + loaded);
      request.upload.onload = () => this.#turn("checking");
      request.onload = () => (request.status === 200 ? resolve(JSON.parse(request.responseText)) : reject(failure(request.status, request.responseText)));
      request.onerror = request.onabort = () => reject(away());
      request.send(this.file.slice(offset));
    });
  }

  #progress(sent) {
    this.sent = Math.min(sent, this.size);
    const now = performance.now();
    const seconds = (now - this.#measured.at) / 1000;
    if (seconds * 1000 < MEASURE_MS) return;
    const speed = (this.sent - this.#measured.sent) / seconds;
    this.bytesPerSecond = this.bytesPerSecond ? this.bytesPerSecond + SMOOTHING * (speed - this.bytesPerSecond) : speed;
    this.#measured = { at: now, sent: this.sent };
    this.#changed();
  }

  #done({ record, was_known: wasKnown }) {
    Object.assign(this, { record, wasKnown, sent: this.size });
    this.#turn("done");
  }

  /** After a fault: wait if it passes by itself, or give up. */
  async #rest(error, failures) {
    if (!(error instanceof ApiError) || !PASSING.includes(error.status)) {
      this.message = error.message;
      return this.#turn("failed");
    }
    this.message = error.message;
    this.#turn("away");
    const wait = WAITS_MS[Math.min(failures, WAITS_MS.length) - 1];
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.#wake = () => { clearTimeout(timer); resolve(); };
    });
  }

  #interrupt() {
    this.#request?.abort();
    this.#wake();
  }

  #turn(state) {
    if (this.state === "cancelled" || (this.state === "paused" && state === "checking")) return;
    this.state = state;
    this.#changed();
  }
}

/** Cancel an upload that is not finished; one that is gone is no fault. */
export async function cancelUpload(url) {
  for (const wait of [0, ...WAITS_MS]) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    const response = await call("DELETE", url, TUS).catch(() => null);
    if (response && response.status !== 423) return; // 423: the request that was aborted still ends
  }
}

async function call(method, path, headers) {
  try {
    return await fetch(path, { method, headers: { ...headers, ...changeHeaders() } });
  } catch {
    throw away();
  }
}

async function refuse(response) {
  if (!response.ok) throw failure(response.status, await response.text());
}

function failure(status, text) {
  let error;
  try {
    ({ error } = JSON.parse(text));
  } catch {
    // it is not the desk's own answer
  }
  return new ApiError(status, error?.code, error?.message ?? `The server answered ${status}.`);
}

const away = () => new ApiError(0, "server_away", "The server does not answer. It goes on by itself.");
const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
