/** Short messages at the foot of the page, read out by screen readers; one may offer to undo. */

import { byId, h } from "./dom.js";

const SHOWN_MS = 6000;

/** Show a message; with `undo`, a button with a `label` calls that. */
export function toast(text, { undo, label = "Undo", isError = false, forMs } = {}) {
  const gone = () => shown.remove();
  const button = undo && h("button", { onclick: () => { gone(); undo(); } }, label);
  const shown = h("div", { class: isError ? "toast error" : "toast" }, h("span", {}, text), button);
  byId("toasts").append(shown);
  let timer = setTimeout(gone, forMs ?? (undo || isError ? 2 : 1) * SHOWN_MS);
  shown.addEventListener("pointerenter", () => clearTimeout(timer));
  shown.addEventListener("pointerleave", () => { timer = setTimeout(gone, SHOWN_MS); });
  return gone;
}

/** Show what went wrong. */
export const complain = (error) => toast(error.message, { isError: true });
