/** Takes the text along: into the clipboard, or as a file in each format. */
import { byId, h } from "./dom.js";
import { clock } from "./format.js";
import { toast } from "./toast.js";
import { selectedWords } from "./tokens.js";

const FORMATS = {
  txt: "Text",
  md: "Markdown",
  docx: "Word",
  srt: "Subtitles (SRT)",
  vtt: "Subtitles (WebVTT)",
  csv: "Table (CSV)",
  json: "Data (JSON)",
};

export class Exporting {
  #page;
  #names = h("input", { type: "checkbox", checked: true });
  #times = h("input", { type: "checkbox" });

  constructor(page) {
    this.#page = page;
    const button = byId("open-export");
    page.panel.add("export", { heading: "Copy and export", button, content: this.#build() });
    byId("passages").addEventListener("copy", (event) => this.#copied(event));
    window.addEventListener("beforeprint", () => this.#print());
    window.addEventListener("afterprint", () => byId("printed").replaceChildren());
  }

  /** The list has only what is on the screen. */
  #print() {
    const paragraphs = turnsOf(this.#page.transcript.passages(), { isEach: false }).map(({ name, start, texts }) =>
      h("p", {}, h("b", {}, name ?? ""), h("span", { class: "numeric" }, ` ${clock(start / 1000)} `), texts.join(" ")));
    byId("printed").replaceChildren(...paragraphs);
  }

  #build() {
    const { data, transcript } = this.#page;
    const links = data.formats.map((format) =>
      h("li", {}, h("a", { href: `${transcript.path}/export/${format}`, download: "" }, FORMATS[format] ?? format)));
    return h("div", { class: "panel-body" },
      h("h3", {}, "Copy the text"),
      h("label", { class: "choice" }, this.#names, "With names"),
      h("label", { class: "choice" }, this.#times, "With times"),
      h("button", { class: "small", onclick: () => this.#copyAll() }, "Copy"),
      h("h3", {}, "Download"),
      h("ul", { class: "plain-list" }, links),
      h("p", { class: "hint" }, "Copying a selection takes all of it, also what is not on the screen."));
  }

  async #copyAll() {
    const { transcript } = this.#page;
    if (!transcript.isComplete) return toast("The text is still being loaded. Try again in a moment.");
    const options = { names: this.#names.checked, times: this.#times.checked };
    await navigator.clipboard.writeText(asText(transcript.passages(), options));
    return toast("The text is copied.");
  }

  /** Most rows of a long selection are not in the document. */
  #copied(event) {
    const selected = selectedWords(this.#page.rows);
    const { transcript } = this.#page;
    if (!selected || event.target.closest?.("textarea, input")) return;
    const [first, last] = selected.words;
    if (last <= selected.passage.last_word) return; // within one passage the browser's own way is right
    const passages = [...transcript.passages(selected.passage.segment)];
    const some = passages.filter((it) => it.first_word !== null && it.last_word >= first && it.first_word <= last);
    event.preventDefault();
    event.clipboardData.setData("text/plain", asText(some, { names: true, times: false }));
  }
}

/** A line for each turn, or for each passage with its time. */
function asText(passages, { names, times }) {
  const head = ({ name, start }) =>
    `${times ? `[${clock(start / 1000)}] ` : ""}${names && name ? `${name}: ` : ""}`;
  return turnsOf(passages, { isEach: times }).map((turn) => head(turn) + turn.texts.join(" ")).join("\n");
}

/** Turns, or passages each alone: `{ name, start, texts }`. */
function turnsOf(passages, { isEach }) {
  const turns = [];
  for (const passage of passages) {
    if (!passage.text) continue;
    const open = turns.at(-1);
    if (open && open.name === passage.name && passage.name && !isEach) open.texts.push(passage.text);
    else turns.push({ name: passage.name, start: passage.start_ms, texts: [passage.text] });
  }
  return turns;
}
