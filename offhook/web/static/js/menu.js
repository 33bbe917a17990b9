/** A menu below a button: arrows move, Enter chooses, Escape closes and gives the focus back. */

import { byId, h } from "./dom.js";

/**
 * Open a menu.
 * @param {HTMLElement} button what it belongs to
 * @param {{label: string, keys?: string, act: () => void, isDangerous?: boolean}[]} items
 */
export function openMenu(button, items) {
  const choose = (act) => { menu.hidePopover(); act(); };
  const entries = items.map(({ label, keys, act, isDangerous }, index) =>
    h("button", { type: "button", role: "menuitem", tabindex: "-1", autofocus: !index, class: isDangerous ? "danger" : "", onclick: () => choose(act) },
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
