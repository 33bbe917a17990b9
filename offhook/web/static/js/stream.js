/** The desk's event stream: it goes on after a restart of the server, from the last change that was seen. */

const KINDS = ["record", "deleted", "words", "desk"];
/** Wait before a stream that was refused is opened again; a lost connection is the browser's own affair. */
const AGAIN_MS = [500, 1000, 2000, 5000];

export class Stream {
  #tell;
  #source = null;
  #seen = null;
  #refusals = 0;
  #timer = 0;

  /** @param {(event: {type: string, data: any, seq: number|null}) => void} tell called for each event */
  constructor(tell) {
    this.#tell = tell;
  }

  /** Let nothing after a change be missed; without a number, nothing from now on. */
  from(seq = null) {
    const isBehind = seq !== null && this.#seen !== null && seq < this.#seen;
    if (this.#source && !isBehind) return;
    if (seq !== null && (this.#seen === null || isBehind)) this.#seen = seq;
    this.#open();
  }

  close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #open() {
    this.close();
    const source = new EventSource(`/api/v1/events${this.#seen === null ? "" : `?after=${this.#seen}`}`);
    this.#source = source;
    source.onopen = () => {
      this.#refusals = 0;
      this.#tell({ type: "connection", data: { isUp: true }, seq: null });
    };
    source.onerror = () => this.#lost(source);
    for (const type of KINDS) source.addEventListener(type, (event) => this.#take(type, event));
  }

  #take(type, event) {
    const seq = type === "record" || type === "deleted" ? Number(event.lastEventId) : null;
    this.#seen = seq ?? this.#seen;
    this.#tell({ type, data: JSON.parse(event.data), seq });
  }

  #lost(source) {
    if (source !== this.#source) return;
    this.#tell({ type: "connection", data: { isUp: false }, seq: null });
    if (source.readyState !== EventSource.CLOSED) return;
    const wait = AGAIN_MS[Math.min(this.#refusals, AGAIN_MS.length - 1)];
    this.#refusals += 1;
    this.#timer = setTimeout(() => this.#open(), wait);
  }
}
