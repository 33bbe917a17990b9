/** The page of the queue: all calls, live, and what a person does with them. */

import "./desk.js";
import { describe } from "./describing.js";
import { byId, debounced, pageData } from "./dom.js";
import { on } from "./events.js";
import { counted } from "./format.js";
import * as actions from "./queue_actions.js";
import { showChips, showDesk } from "./queue_desk.js";
import { bindKeys, bindMouse, goTo } from "./queue_input.js";
import { Calls } from "./queue_model.js";
import { STATES, draw, estimate } from "./queue_row.js";
import { Selection } from "./queue_selection.js";
import { complain } from "./toast.js";
import { VirtualList } from "./virtual.js";

/** The ages of the calls in view are written again this often. */
const AGES_MS = 30_000;
/** The states in which something can be done with a call: again, cancel, move. */
const OVER = ["completed", "failed", "cancelled"];
const STOPPABLE = ["queued", "processing", "failed"];
const WAITING = ["queued"];

const data = pageData();
const grid = byId("calls");
const search = byId("search");
const bar = document.querySelector(".bar");
const bottomOf = (element) => element.getBoundingClientRect().bottom;
let before = data.ids; // the order that the selection knows
let drawn = [0, -1]; // the first and last place of the rows in the document
let isNarrowed = false; // whether a person has just asked for other calls

const calls = new Calls(data, { ordered, changed, counted: showCounts, failed: complain });
const selection = new Selection(calls, selected);
const list = new VirtualList({
  element: grid,
  key: (id) => id,
  estimate: (id) => estimate(calls.row(id)),
  render: (id, _, element) => {
    const state = { isSelected: selection.has(id), isActive: id === (selection.active ?? calls.ids[0]) };
    return draw(element, id, calls.row(id), state);
  },
  counting: "rows",
  insets: () => [Math.max(bottomOf(bar), bottomOf(byId("top"))), byId("selected").offsetHeight],
  drawn: (first, last) => {
    drawn = [first, last];
    calls.want(first, last);
  },
});

function ordered() {
  const hadFocus = grid.contains(document.activeElement) || document.activeElement === document.body;
  const lost = selection.active !== null && !calls.ids.includes(selection.active);
  const top = !before.length || list.isVisible(0) ? scrollY : null; // who sees the first call sees a new one too
  showEmpty(); // first: a hidden list is nowhere
  list.setItems(calls.ids);
  selection.follow(before);
  before = calls.ids;
  showTotal();
  if (top !== null) scrollTo(0, top);
  if (isNarrowed) list.scrollTo(0);
  isNarrowed = false;
  if (lost && hadFocus && selection.active !== null) list.focus(selection.activeIndex);
}

function changed(ids) {
  list.refresh(ids.map((id) => list.indexOfKey(id)).filter((index) => index >= 0));
  if (ids.some((id) => selection.has(id))) showSelected();
}

function selected() {
  redraw();
  showSelected();
}

/** The active row is in the document wherever it is. */
function redraw() {
  const [first, last] = drawn;
  const places = Array.from({ length: last - first + 1 }, (_, place) => first + place);
  list.refresh([...places, selection.activeIndex].filter((index) => index >= 0 && index < calls.ids.length));
}

// What is shown beside the list

function showCounts() {
  showChips(calls.counts, calls.filter.status, (status) => narrow({ status }));
  showEmpty();
}

function showTotal() {
  byId("total").textContent = counted(calls.ids.length, "call");
}

function showEmpty() {
  const { status, q } = calls.filter;
  const hasNone = !calls.ids.length;
  const isNew = hasNone && !status && !q;
  byId("welcome").hidden = !isNew;
  byId("nothing").hidden = !hasNone || isNew;
  byId("list").hidden = hasNone;
  byId("top").hidden = isNew;
}

function showSelected() {
  const { size } = selection;
  byId("selected").hidden = size === 0;
  document.documentElement.style.setProperty("--player-height", `${byId("selected").offsetHeight}px`); // below toasts
  byId("selected-count").textContent = `${counted(size, "call")} selected`;
  const rows = selection.ids.map((id) => calls.row(id)).filter(Boolean);
  const can = (states) => rows.length < size || rows.some(({ status }) => states.includes(status));
  byId("do-retry").disabled = !can(OVER);
  byId("do-cancel").disabled = !can(STOPPABLE);
  for (const name of ["first", "up", "down"]) byId(`do-${name}`).disabled = !can(WAITING);
}

function showSort() {
  const { sort } = calls.filter;
  for (const button of byId("columns").querySelectorAll("button")) {
    const isThis = button.dataset.sort === sort.replace("-", "");
    button.setAttribute("aria-pressed", String(isThis));
    button.lastChild.textContent = isThis ? (sort.startsWith("-") ? " ↓" : " ↑") : "";
  }
}

// The filter

function narrow(change) {
  isNarrowed = true;
  calls.narrow(change);
  showSort();
  showCounts();
  writeAddressSoon();
  if (!("q" in change)) writeAddressSoon.flush();
}

/** Write the filter into the address; while somebody types, once that rests: browsers limit how often. */
const writeAddressSoon = debounced(300, () => {
  const { status, q, sort } = calls.filter;
  const query = new URLSearchParams({ ...(status && { status }), ...(q && { q }), ...(sort !== "-created_at" && { sort }) });
  history.replaceState(null, "", query.size ? `/?${query}` : "/");
});

search.value = calls.filter.q;
search.addEventListener("input", () => narrow({ q: search.value.trim() }));
search.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "Enter") goTo(list, selection, 0);
  else if (event.key === "Escape" && search.value) narrow({ q: (search.value = "") });
  else return;
  event.preventDefault();
});
byId("clear-filter").addEventListener("click", () => {
  search.value = "";
  narrow({ status: null, q: "" });
  search.focus();
});
byId("columns").addEventListener("click", ({ target }) => {
  const name = target.closest("button")?.dataset.sort;
  if (name) narrow({ sort: calls.filter.sort === `-${name}` ? name : calls.filter.sort === name ? `-${name}` : first(name) });
});
const first = (name) => (["created_at", "priority", "duration"].includes(name) ? `-${name}` : name);

// What is done with calls

const some = (act) => (ids) => (ids.length ? act(ids) : null);
const doing = {
  retry: some((ids) => actions.retry(ids)),
  with: some((ids) => actions.retryWith(ids, data.options, ids.length === 1 ? calls.row(ids[0]) : null)),
  cancel: some((ids) => actions.cancel(ids)),
  first: some((ids) => actions.move(ids, "first")),
  up: some((ids) => actions.move(ids, "up")),
  down: some((ids) => actions.move(ids, "down")),
  delete: some((ids) => actions.remove(ids).then((done) => calls.remove(done))),
};
for (const [name, act] of Object.entries(doing)) byId(`do-${name}`).addEventListener("click", () => act(selection.ids));
const describeOf = (id) => calls.row(id) && describe(calls.row(id));
byId("do-clear").addEventListener("click", () => { selection.clear(); goTo(list, selection, selection.activeIndex); });
byId("sample").addEventListener("click", actions.addSample);

function menuOf(id) {
  const row = calls.row(id);
  const is = (states) => states.includes(row?.status);
  return [
    { label: "Open", keys: "Enter", act: () => open(id) },
    row && { label: "Describe…", keys: "e", act: () => describeOf(id) },
    is(OVER) && { label: "Transcribe again", keys: "r", act: () => doing.retry([id]) },
    is(OVER) && { label: "Transcribe again with…", keys: "Shift+R", act: () => doing.with([id]) },
    is(STOPPABLE) && { label: "Cancel", keys: "c", act: () => doing.cancel([id]) },
    is(WAITING) && { label: "First in the queue", keys: "f", act: () => doing.first([id]) },
    is(WAITING) && { label: "More urgent", keys: "+", act: () => doing.up([id]) },
    is(WAITING) && { label: "Less urgent", keys: "-", act: () => doing.down([id]) },
    { label: "Delete", keys: "Delete", act: () => doing.delete([id]), isDangerous: true },
  ].filter(Boolean);
}

const open = (id) => location.assign(`/records/${id}`);

bindMouse({ grid, list, selection, redraw: selected, menuOf });
bindKeys({ grid, list, selection, search, open, describe: describeOf, doing });

// News

const say = debounced(500, (text) => { byId("news").textContent = text; });
on("record", (row, seq) => {
  const known = calls.row(row.id);
  calls.take(row, seq);
  if (known && known.status !== row.status && ["completed", "failed"].includes(row.status))
    say(`${row.title}: ${STATES[row.status]}`);
});
on("deleted", ({ id }) => calls.drop(id));
on("desk", (desk) => {
  showDesk(desk);
  calls.count(desk.counts);
});
setInterval(() => document.hidden || redraw(), AGES_MS);

showDesk(data.desk);
showSort();
showCounts();
list.setItems(calls.ids);
showTotal();
performance.mark("interactive"); // for measurements (bench/desk.py)
