/** Keyboard shortcuts: one table for a page, which `?` shows. */

import { byId, h } from "./dom.js";
import { openDialog } from "./dialog.js";

const bound = [];

/**
 * Bind keys to an action. `keys` are names as `KeyboardEvent.key` has them, separated by spaces (`Ctrl+f` means
 * Cmd on a Mac), `what` is for the list.
 */
export function bind(keys, what, act, { whileTyping = false, when = () => true } = {}) {
  bound.push({ keys: keys.split(" "), what, act, whileTyping, when });
}

const isTyping = (target) =>
  target.isContentEditable || target.closest?.("input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select");

function nameOf(event) {
  const key = event.key === " " ? "Space" : event.key;
  const control = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
  const alt = event.altKey ? "Alt+" : "";
  const shift = event.shiftKey && key.length > 1 ? "Shift+" : "";
  return `${control}${alt}${shift}${key}`;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
  const name = nameOf(event);
  const typing = isTyping(event.target);
  const isPressed = event.key === " " || event.key === "Enter";
  const hit = bound.findLast(({ keys, whileTyping, when }) => keys.includes(name) && (whileTyping || !typing) && when());
  if (!hit || (isPressed && event.target.closest?.("button, a[href], summary, [role=button]"))) return;
  event.preventDefault();
  hit.act(event);
});

/** Show all shortcuts of the page. */
export function showKeys() {
  const rows = bound.flatMap(({ keys, what }) => [
    h("dt", {}, keys.map((key, place) => [place ? " or " : "", h("kbd", {}, key)])),
    h("dd", {}, what),
  ]);
  const close = () => dialog.close();
  const dialog = openDialog("Keys", h("dl", { class: "keys" }, rows),
    h("div", { class: "actions" }, h("button", { onclick: close, autofocus: true }, "Close")));
}

bind("?", "Show these keys", showKeys);
byId("show-keys")?.addEventListener("click", showKeys);
