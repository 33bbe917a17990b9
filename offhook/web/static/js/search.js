/** The search over all calls: moments as you type, each a link to it. The address has what is asked for. */

import "./desk.js";
import { get } from "./api.js";
import { byId, debounced, fill, h, pageData } from "./dom.js";
import { clock, counted, day } from "./format.js";
import { bind } from "./keys.js";
import { complain } from "./toast.js";
import { hashOf } from "./tokens.js";

const NAMES = ["q", "speaker", "candidate", "project", "since", "until"];
const WAIT_MS = 150;
/** A word of so many letters may still be typed: its beginning is looked for. */
const LAST_WORD = /[\p{L}\p{N}]{2,}$/u;

const form = byId("search");
const list = byId("hits");
let running = null;
let pending = Promise.resolve();
let places = [];
let cursor = null;

// What is asked for

function asked() {
  const values = NAMES.map((name) => [name, form.elements[name].value.trim()]);
  return new URLSearchParams(values.filter(([, value]) => value));
}

/** The last word may not be finished, unless a space follows it. */
function forServer(after) {
  const query = asked();
  if (LAST_WORD.test(form.elements.q.value)) query.set("q", `${query.get("q")}*`);
  if (after !== null) query.set("cursor", after);
  return query;
}

async function search(after = null) {
  running?.abort();
  const query = asked();
  history.replaceState(null, "", `${location.pathname}${query.size ? "?" : ""}${query}`);
  if (!query.get("q")) return show(null);
  running = new AbortController();
  const { signal } = running;
  list.setAttribute("aria-busy", "true");
  try {
    const found = await get(`/api/v1/search?${forServer(after)}`, { signal });
    if (!signal.aborted) show(found, after === null ? [] : places);
  } catch (error) {
    if (!signal.aborted) complain(error);
  } finally {
    if (!signal.aborted) list.removeAttribute("aria-busy");
  }
}

const soon = debounced(WAIT_MS, () => { pending = search(); });

// What is found

function show(found, before = []) {
  places = found ? [...before, ...found.places] : [];
  cursor = found?.cursor ?? null;
  fill(list, grouped().map(recordOf));
  byId("more").hidden = cursor === null;
  byId("summary").textContent = found ? summary() : "";
}

function summary() {
  if (!places.length) return "Nothing found. All of the words must be said in one passage.";
  const calls = new Set(places.map((place) => place.record_id)).size;
  const moments = counted(places.length, "moment");
  return `${cursor === null ? "" : "The newest "}${moments} in ${counted(calls, "call")}. Arrow keys move, Enter opens.`;
}

/** Moments of one recording that follow each other are shown together. */
function grouped() {
  const groups = [];
  for (const place of places) {
    if (groups.at(-1)?.[0].record_id !== place.record_id) groups.push([]);
    groups.at(-1).push(place);
  }
  return groups;
}

function recordOf(group) {
  const [{ record_id, title, candidate_id, project_id, created_at }] = group;
  const about = [candidate_id, project_id, created_at && day(created_at)].filter(Boolean).join(" · ");
  return h("section", { class: "card found-record", "aria-label": title },
    h("h2", {}, h("a", { href: `/records/${record_id}` }, title), h("span", { class: "hint" }, about)),
    h("ol", {}, group.map((place) => h("li", {}, link(place)))));
}

function link({ record_id, moment_ms, name, snippet, marks }) {
  return h("a", { class: "hit", href: `/records/${record_id}${hashOf(moment_ms)}` },
    h("time", { class: "numeric" }, clock(moment_ms / 1000)),
    h("span", { class: "hit-name" }, name ?? ""),
    h("span", { class: "hit-text" }, marked(snippet, marks)));
}

function marked(text, marks) {
  let at = 0;
  const parts = marks.map(([start, end]) => {
    const before = text.slice(at, start);
    at = end;
    return [before, h("mark", {}, text.slice(start, end))];
  });
  return [parts, text.slice(at)];
}

// Keys

const hits = () => [...list.querySelectorAll(".hit")];

function move(event) {
  const all = hits();
  const at = all.indexOf(document.activeElement);
  const isTyping = event.target === form.elements.q;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined || !all.length || (at < 0 && !(isTyping && event.key === "ArrowDown"))) return;
  event.preventDefault();
  (to < 0 ? form.elements.q : all[Math.min(to, all.length - 1)]).focus();
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && hits().includes(document.activeElement)) form.elements.q.focus();
  else move(event);
});
bind("/", "Go to the words", () => form.elements.q.select());
bind("ArrowDown", "The next moment; Enter opens it", () => hits()[0]?.focus(), { when: () => hits().length > 0 });

form.addEventListener("input", soon);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("keydown", async (event) => { // a form of several fields without a button is not submitted
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  soon.flush();
  await pending;
  hits()[0]?.focus();
});
byId("more").addEventListener("click", async () => {
  const before = hits().length;
  await search(cursor);
  hits()[before]?.focus();
});

const given = new URLSearchParams(location.search);
for (const name of NAMES) form.elements[name].value = given.get(name) ?? "";
show(pageData());
