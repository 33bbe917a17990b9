/** The desk's event stream: it goes on after a restart of the server, from the last change that was seen. */

const KINDS = ["record", "deleted", "words", "desk"];
/** Wait before a stream that was refused is opened again; a lost connection the browser opens again itself. */
const AGAIN_MS = 2000;

export class Stream {
  #tell;
  #source = null;
  #seen = null;
  #timer = 0;

  /** `tell` gets each event: `{ type, data, seq }`. */
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
    source.onopen = () => this.#tell({ type: "connection", data: { isUp: true }, seq: null });
    source.onerror = () => this.#lost(source);
    for (const type of KINDS) source.addEventListener(type, (event) => this.#take(type, event));
  }

  #take(type, event) {
    const seq = type === "record" || type === "deleted" ? Number(event.lastEventId) : null;
    this.#seen = seq ?? this.#seen;
    this.#tell({ type, data: JSON.parse(event.data), seq });
  }

  /** An event source does not say why. */
  async #ask(source) {
    const answer = await fetch("/api/v1").catch(() => null);
    if (source !== this.#source) return;
    const why = !answer ? "away" : answer.status === 401 ? "signed out" : "refused";
    this.#tell({ type: "connection", data: { isUp: false, why }, seq: null });
  }

  #lost(source) {
    if (source !== this.#source) return;
    if (source.readyState !== EventSource.CLOSED) {
      this.#tell({ type: "connection", data: { isUp: false, why: "away" }, seq: null });
      return;
    }
    this.#ask(source);
    this.#timer = setTimeout(() => this.#open(), AGAIN_MS);
  }
}
