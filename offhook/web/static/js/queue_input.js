/** Mouse and keyboard over the list of calls. */

import { byId, h } from "./dom.js";
import { bind } from "./keys.js";

const callOf = (target) => Number(target.closest(".call")?.dataset.record);

export function goTo(list, selection, index, isExtending = false) {
  selection.go(index, isExtending);
  list.focus(selection.activeIndex);
}

/** A click selects, with Ctrl or Shift several. */
export function bindMouse({ grid, list, selection, redraw, menuOf }) {
  grid.addEventListener("click", (event) => {
    const id = callOf(event.target);
    if (!id || event.target.closest("a")) return;
    if (event.target.closest(".call-menu")) {
      selection.active = id;
      redraw();
      openMenu(event.target.closest("button"), menuOf(id));
      return;
    }
    const isBox = event.target.matches("input");
    if (event.shiftKey) selection.extend(id);
    else if (event.ctrlKey || event.metaKey || isBox) selection.toggle(id);
    else if (!document.getSelection().toString()) selection.only(id);
    if (!isBox) list.focus(selection.activeIndex);
  });
  grid.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault()); // selects no text
  grid.addEventListener("focusin", ({ target }) => {
    const id = callOf(target);
    if (id && id !== selection.active && target.matches(".call")) selection.go(list.indexOfKey(id), false);
  });
}

/** The keys of the page; those that change something need the focus in the list, or nowhere. */
export function bindKeys({ grid, list, selection, search, open, describe, doing }) {
  const inGrid = { when: () => grid.contains(document.activeElement) };
  const free = { when: () => inGrid.when() || [document.body, byId("main")].includes(document.activeElement) };
  const go = (index, isExtending) => goTo(list, selection, index, isExtending);
  const step = (by, isExtending) => go(selection.activeIndex < 0 ? 0 : selection.activeIndex + by, isExtending);
  const page = () => Math.max(1, list.visible[1] - list.visible[0]);
  const active = (act) => () => selection.active !== null && act(selection.active);

  bind("ArrowDown j", "Next call", () => step(1), free);
  bind("ArrowUp k", "Previous call", () => step(-1), free);
  bind("Shift+ArrowDown", "Select the next call too", () => step(1, true), free);
  bind("Shift+ArrowUp", "Select the previous call too", () => step(-1, true), free);
  bind("PageDown", "A page further", () => step(page()), inGrid);
  bind("PageUp", "A page back", () => step(-page()), inGrid);
  bind("Home", "First call", () => go(0), inGrid);
  bind("End", "Last call", () => go(list.count - 1), inGrid);
  bind("x Space", "Select the call, or no more", active((id) => selection.toggle(id)), inGrid);
  bind("a Ctrl+a", "Select all", () => selection.all(), free);
  bind("Escape", "Select none", () => selection.clear(), free);
  bind("Enter", "Open the call", active(open), inGrid);
  bind("/", "Search", () => { search.focus(); search.select(); });
  bind("e", "Describe the call", active(describe), free);
  bind("r", "Transcribe again", () => doing.retry(selection.ids), free);
  bind("R", "Transcribe again with other settings", () => doing.with(selection.ids), free);
  bind("c", "Cancel", () => doing.cancel(selection.ids), free);
  bind("f", "First in the queue", () => doing.first(selection.ids), free);
  bind("+", "More urgent", () => doing.up(selection.ids), free);
  bind("-", "Less urgent", () => doing.down(selection.ids), free);
  bind("Delete", "Delete, which can be undone for half a minute", () => doing.delete(selection.ids), free);
}

/** Open a menu below a button; an item is `{ label, keys, act, isDangerous }`. */
function openMenu(button, items) {
  const choose = (act) => { menu.hidePopover(); act(); };
  const entries = items.map(({ label, keys, act, isDangerous }, index) =>
    h("button", { role: "menuitem", tabindex: "-1", autofocus: !index, class: isDangerous ? "danger" : "", onclick: () => choose(act) },
      h("span", {}, label), keys && h("kbd", { "aria-hidden": "true" }, keys)));
  const menu = h("div", { class: "menu", role: "menu", popover: "auto", "aria-label": button.getAttribute("aria-label") }, entries);
  menu.addEventListener("toggle", ({ newState }) => {
    button.setAttribute("aria-expanded", newState === "open");
    if (newState === "closed") menu.remove();
  });
  menu.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Tab") menu.hidePopover();
    else if (step) entries.at((entries.indexOf(document.activeElement) + step) % entries.length).focus();
    else return;
    event.preventDefault();
  });
  byId("main").append(menu);
  menu.showPopover();
  place(menu, button.getBoundingClientRect());
}

function place(menu, { top, bottom, right }) {
  const { offsetHeight: height, offsetWidth: width } = menu;
  menu.style.top = `${bottom + height < innerHeight || top < height ? bottom : top - height}px`;
  menu.style.left = `${Math.max(8, Math.min(right - width, innerWidth - width - 8))}px`;
}
