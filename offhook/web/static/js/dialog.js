/** Dialogs: modal, closed by Escape, with the focus back where it was. */

import { h } from "./dom.js";

/** Open a dialog with a heading and some content; returns it. It is removed when it closes. */
export function openDialog(heading, ...content) {
  const before = document.activeElement;
  const dialog = h("dialog", { "aria-label": heading }, h("h2", {}, heading), ...content);
  dialog.addEventListener("close", () => {
    dialog.remove();
    before?.focus?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Ask before something is done; resolves to whether the person agreed. */
export function confirmed(heading, text, { label = "OK", isDangerous = false } = {}) {
  return new Promise((resolve) => {
    let agreed = false;
    const agree = () => { agreed = true; dialog.close(); };
    const dialog = openDialog(
      heading,
      h("p", {}, text),
      h("div", { class: "actions" },
        h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
        h("button", { type: "button", class: isDangerous ? "danger" : "primary", onclick: agree, autofocus: true }, label)),
    );
    dialog.addEventListener("close", () => resolve(agreed));
  });
}
