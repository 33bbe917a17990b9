/** The text of a running call as it comes: final passages, and below them what is not final yet. */

import { get } from "./api.js";
import { byId, h } from "./dom.js";
import { LivePassages } from "./live_passages.js";
import { complain } from "./toast.js";

/** So near to its end a reader follows the text, px. */
const NEAR_END = 40;
const AGAIN_MS = 3000;
/** More words at once are not read out: that is text from before the page was opened, or a long absence. */
const MOST_SAID = 200;

const NOTHING = { is_whole: true, final: [], provisional: [], last: null, earlier: null };

export class LiveText {
  #final = new LivePassages(byId("live-final"));
  #provisional = new LivePassages(byId("live-provisional").lastElementChild);
  #scroller = byId("live-scroll");
  #earlier = null; // the window before which there is more text
  #last = null; // the last window that is shown
  #isAtEnd = true;
  #id = null;
  #says = "";
  #source = null;
  #tell;
  #most;

  /** `tell` gets how the call goes, null when it is discarded; `most` passages are kept, all of them without it. */
  constructor(tell, most = Infinity) {
    [this.#tell, this.#most] = [tell, most];
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    byId("live-end").addEventListener("click", () => {
      this.#toEnd();
      this.#scroller.focus({ preventScroll: true });
    });
    byId("live-earlier").addEventListener("click", () => this.#goBack());
    if (most === Infinity) {
      const seen = ([{ isIntersecting }]) => isIntersecting && this.#goBack();
      new IntersectionObserver(seen, { root: this.#scroller }).observe(byId("live-earlier"));
    }
    document.addEventListener("visibilitychange", () => this.#open()); // browsers allow six connections
    addEventListener("pagehide", () => this.#source?.close());
  }

  /** Show the text of a call; `text` is what is known of it. */
  follow(id, names = {}, text = NOTHING) {
    if (id === this.#id) return;
    this.#id = id;
    this.#final.page = this.#provisional.page = `/calls/${id}`;
    this.#name(names);
    this.#take(text);
    this.#open();
  }

  /** The passage that an element is in, null outside of those that are final. */
  at(element) {
    return this.#final.at(element);
  }

  /** Where a reader is who has scrolled back, ms; null at the end. */
  get ms() {
    const top = this.#scroller.getBoundingClientRect().top;
    return this.#isAtEnd ? null : this.#final.below(top)?.start_ms ?? null;
  }

  /** Bring a moment into the view, if its text is there. */
  goTo(ms) {
    this.#final.of(ms)?.element.scrollIntoView({ block: "center" });
  }

  #path(rest) {
    return `/api/v1/calls/${this.#id}/live${rest}`;
  }

  #open() {
    this.#source?.close();
    if (document.hidden || !this.#id) return;
    const source = (this.#source = new EventSource(this.#path(`/events${this.#last === null ? "" : `?after=${this.#last}`}`)));
    source.addEventListener("text", ({ data }) => this.#take(JSON.parse(data)));
    source.addEventListener("call", ({ data }) => this.#show(JSON.parse(data)));
    source.addEventListener("gone", () => {
      source.close();
      this.#tell(null);
    });
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) setTimeout(() => source === this.#source && this.#open(), AGAIN_MS);
    });
  }

  #show(call) {
    this.#name(call.names);
    byId("live-says").textContent = call.says;
    const kind = call.says.replace(/\d+/g, ""); // a number that changes is not read out each time
    if (this.#says && kind !== this.#says) this.#say(call.says);
    this.#says = kind;
    if (call.has_moved) this.#source.close();
    this.#tell(call);
  }

  #name(names) {
    this.#final.names = this.#provisional.names = names;
  }

  #take({ is_whole, final, provisional, last, earlier }) {
    if (is_whole) {
      this.#final.clear();
      this.#goesBackFrom(earlier);
    }
    this.#final.add(final);
    this.#provisional.clear();
    this.#provisional.add(provisional);
    byId("live-provisional").hidden = !provisional.length;
    this.#last = last;
    if (!is_whole && final.length && final.length <= MOST_SAID) this.#say(this.#final.spoken(final));
    if (!this.#isAtEnd) return;
    this.#final.keep(this.#most);
    this.#toEnd();
  }

  async #goBack() {
    const before = this.#earlier;
    if (before === null) return;
    this.#goesBackFrom(null);
    try {
      const { final, earlier } = await get(this.#path(`/earlier?before=${before}`));
      const [height, top] = [this.#scroller.scrollHeight, this.#scroller.scrollTop];
      this.#final.add(final);
      this.#goesBackFrom(earlier);
      this.#scroller.scrollTop = top + this.#scroller.scrollHeight - height; // what is read stays where it is
    } catch (error) {
      this.#goesBackFrom(before);
      complain(error);
    }
  }

  #goesBackFrom(window) {
    this.#earlier = window;
    byId("live-earlier").hidden = window === null || this.#most < Infinity;
  }

  #say(text) {
    byId("live-said").replaceChildren(h("span", {}, text));
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    byId("live-end").hidden = this.#isAtEnd;
  }

  #toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}
