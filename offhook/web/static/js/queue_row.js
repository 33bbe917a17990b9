/** The row of a call. It is brought up to date in place, so that nothing in it loses the focus. */

import { h } from "./dom.js";
import { ago, clock, lengthInWords, moment } from "./format.js";

export const STATES = {
  queued: "Waiting", processing: "Transcribing", completed: "Completed", failed: "Failed", cancelled: "Cancelled",
};
/** Heights of rows that were not shown yet, px. */
const PLAIN = 57;
const WITH_REASON = 105;

const views = new WeakMap();

/** The height that a row will have, roughly. */
export const estimate = (row) => (row?.error ? WITH_REASON : PLAIN);

/** Make the element of a row, or bring it up to date; `state` is `{ isSelected, isActive }`. */
export function draw(element, id, row, state) {
  const view = views.get(element) ?? build(id);
  mark(view, state);
  if (row) show(view, row);
  return view.element;
}

function build(id) {
  const box = h("input", { type: "checkbox", tabindex: "-1" });
  const badge = h("span", { class: "badge" });
  const bar = h("progress", { max: "1", "aria-label": "Progress", hidden: true });
  const left = h("span", { class: "quiet-text numeric" });
  const title = h("a", { href: `/records/${id}`, class: "call-title", tabindex: "-1" }, `Recording ${id}`);
  const about = h("span", { class: "quiet-text call-about" });
  const error = h("p", { class: "call-error", hidden: true });
  const remedy = h("p", { class: "call-remedy", hidden: true });
  const speakers = h("span", { class: "call-speakers" });
  const length = h("span", { class: "numeric" });
  const age = h("time", {});
  const menu = h("button", { class: "quiet call-menu", "aria-haspopup": "menu", tabindex: "-1" }, "⋯");
  const cell = (kind, ...content) => h("div", { role: "gridcell", class: `call-${kind}` }, ...content);
  const element = h("div", { role: "row", class: "call", dataset: { record: id } },
    cell("box", box), cell("state", badge, bar, left), cell("main", title, about, error, remedy),
    cell("who", speakers), cell("length", length), cell("age", age), cell("more", menu));
  const view = { element, box, badge, bar, left, title, about, error, remedy, speakers, length, age, menu };
  views.set(element, view);
  return view;
}

function mark({ element, box, title, menu }, { isSelected, isActive }) {
  element.setAttribute("aria-selected", isSelected);
  element.tabIndex = isActive ? 0 : -1;
  box.checked = isSelected;
  for (const each of [box, title, menu]) each.tabIndex = isActive ? 0 : -1;
}

function show(view, row) {
  const isRunning = row.status === "processing";
  view.box.setAttribute("aria-label", `Select ${row.title}`);
  view.menu.setAttribute("aria-label", `Actions for ${row.title}`);
  text(view.badge, STATES[row.status] ?? row.status);
  view.badge.className = `badge ${row.status}`;
  view.bar.hidden = !isRunning;
  if (isRunning) view.bar.value = row.progress;
  text(view.left, isRunning ? pace(row) : urgency(row));
  text(view.title, row.title);
  text(view.about, [row.where, row.candidate_id, row.project_id].filter(Boolean).join(" · "));
  reason(view.error, row.error);
  reason(view.remedy, row.error && row.remedy);
  text(view.speakers, row.speakers.join(", "));
  text(view.length, row.duration_seconds === null ? "" : clock(row.duration_seconds));
  text(view.age, ago(row.created_at));
  view.age.dateTime = row.created_at;
  view.age.title = moment(row.created_at);
}

function pace({ progress, seconds_left: left }) {
  const done = `${Math.floor(progress * 100)} %`;
  return left === null ? done : `${done}, ${lengthInWords(left)} left`;
}

function urgency({ status, priority }) {
  return status === "queued" && priority ? `priority ${priority > 0 ? "+" : ""}${priority}` : "";
}

function reason(element, words) {
  text(element, words ?? "");
  element.hidden = !words;
}

function text(element, words) {
  if (element.textContent !== words) element.textContent = words;
}
