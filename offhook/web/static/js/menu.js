/** A menu below a button: arrows move, Enter chooses, Escape closes and gives the focus back. */

import { byId, h } from "./dom.js";

let open = null;

/**
 * Open a menu.
 * @param {HTMLElement} button what it belongs to
 * @param {{label: string, keys?: string, act: () => void, isDangerous?: boolean}[]} items
 */
export function openMenu(button, items) {
  open?.();
  const choose = (act) => { close(); act(); };
  const entries = items.map(({ label, keys, act, isDangerous }) =>
    h("button", { type: "button", role: "menuitem", tabindex: "-1", class: isDangerous ? "danger" : "", onclick: () => choose(act) },
      h("span", {}, label), keys && h("kbd", { "aria-hidden": "true" }, keys)));
  const menu = h("div", { class: "menu", role: "menu", "aria-label": button.getAttribute("aria-label") }, entries);
  const away = (event) => { if (!menu.contains(event.target)) close(false); };
  const resized = () => close();

  function close(isBack = true) {
    menu.remove();
    document.removeEventListener("pointerdown", away, true);
    removeEventListener("resize", resized);
    button.setAttribute("aria-expanded", "false");
    open = null;
    if (isBack) button.focus({ preventScroll: true });
  }

  menu.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const place = entries.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) entries.at((place + step) % entries.length).focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  });
  document.addEventListener("pointerdown", away, true);
  addEventListener("resize", resized);
  byId("main").append(menu);
  place(menu, button);
  button.setAttribute("aria-expanded", "true");
  entries[0]?.focus({ preventScroll: true });
  open = close;
}

function place(menu, button) {
  const box = button.getBoundingClientRect();
  const { offsetHeight: height, offsetWidth: width } = menu;
  const isBelow = box.bottom + height < innerHeight || box.top < height;
  menu.style.top = `${scrollY + (isBelow ? box.bottom : box.top - height)}px`;
  menu.style.left = `${scrollX + Math.max(8, Math.min(box.right - width, innerWidth - width - 8))}px`;
}
