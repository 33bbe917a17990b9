/** The head of the page: what the record is, and what there is to say about it. */
import { send } from "./api.js";
import { describe } from "./describing.js";
import { byId, fill, h } from "./dom.js";
import { counted, lengthInWords, moment } from "./format.js";
import { complain } from "./toast.js";

const STATES = {
  queued: "Waiting to be transcribed",
  processing: "Being transcribed",
  failed: "Failed",
  cancelled: "Cancelled",
};

const SHOWN = ["status", "title", "candidate_id", "project_id", "started_at", "duration_seconds", "language", "model",
  "error", "remedy"];

export class Details {
  #record;
  #shown = "";
  #data;
  #transcript;

  constructor({ data, transcript }) {
    [this.#record, this.#data, this.#transcript] = [data.record, data, transcript];
    transcript.addEventListener("outline", () => this.#showNothing());
    this.show(data.record);
  }

  get record() {
    return this.#record;
  }

  /** Show another state of the record. What has not changed stays, since it may have the focus. */
  show(record) {
    this.#record = { ...this.#record, ...record };
    const { progress, ...rest } = this.#record;
    const shown = JSON.stringify(SHOWN.map((name) => rest[name]));
    if (shown === this.#shown) {
      this.#showProgress(progress);
      return;
    }
    this.#shown = shown;
    byId("title").textContent = this.#record.title;
    document.title = `${this.#record.title} – offhook`;
    fill(byId("facts"), this.#facts(), this.#editButton());
    fill(byId("notices"), this.#notices());
    this.#showProgress(progress);
    this.#showNothing();
  }

  #showProgress(progress) {
    const bar = byId("notices").querySelector("progress");
    if (bar) bar.value = progress ?? 0;
  }

  #facts() {
    const { status, started_at, created_at, duration_seconds, candidate_id, project_id, language, model } = this.#record;
    const words = this.#data.outline.words;
    const known = [
      moment(started_at ?? created_at),
      lengthInWords(duration_seconds),
      words ? counted(words, "word") : null,
      candidate_id && `Candidate ${candidate_id}`,
      project_id && `Project ${project_id}`,
      [language, model].filter(Boolean).join(", "),
    ];
    const facts = known.filter(Boolean).map((fact) => h("span", { class: "fact" }, fact));
    const badge = STATES[status] && h("span", { class: `badge ${status}` }, STATES[status]);
    return [badge, ...facts];
  }

  #editButton() {
    const edit = () => describe(this.#record, (row) => this.show(row));
    return h("button", { class: "quiet small", onclick: edit }, "Edit details");
  }

  #notices() {
    const { status } = this.#record;
    const { remarks, unplaced, orphan_drafts: orphans } = this.#data;
    return [
      status === "failed" || status === "cancelled" ? this.#failure() : null,
      status === "processing" ? h("progress", { "aria-label": "Transcribed", max: "1" }) : null,
      disclosure(
        "About the recording",
        remarks.map(([heading, text]) => h("li", {}, h("strong", {}, heading), `: ${text}`)),
      ),
      disclosure(
        `${counted(unplaced.length, "change")} found no place in this transcript`,
        unplaced.map((text) => h("li", {}, text)),
      ),
      disclosure("Unsaved text of an earlier transcript", orphans.map(({ text }) => h("li", {}, text))),
    ];
  }

  #failure() {
    const { id, error, remedy } = this.#record;
    const again = () => send("POST", "/api/v1/records/retry", { ids: [id] }).catch(complain);
    return h("div", { class: "message error row" },
      h("p", { class: "grow" }, [error, remedy].filter(Boolean).join(" ") || "It was cancelled."),
      h("button", { class: "small", onclick: again }, "Transcribe again"));
  }

  #showNothing() {
    const { status } = this.#record;
    const isEmpty = this.#transcript.segments.length === 0;
    const texts = {
      queued: "The text appears here as soon as the recording is being transcribed.",
      processing: "The first words appear here in a moment.",
      completed: "No speech was found in this recording.",
    };
    byId("nothing").hidden = !isEmpty;
    byId("nothing").textContent = texts[status] ?? "There is no text.";
  }
}

/** A heading that opens a list; nothing for an empty one. */
function disclosure(heading, entries) {
  return entries.length ? h("details", {}, h("summary", {}, heading), h("ul", {}, entries)) : null;
}
