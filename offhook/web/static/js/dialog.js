/** Dialogs: modal, closed by Escape, with the focus back where it was. */

import { h } from "./dom.js";

/** Open a dialog; it is removed when it closes. */
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

/** Resolve to whether the person agreed. */
export function confirmed(heading, text, { label = "OK", isDangerous = false } = {}) {
  return new Promise((resolve) => {
    let agreed = false;
    const agree = () => { agreed = true; dialog.close(); };
    const dialog = openDialog(
      heading,
      h("p", {}, text),
      h("div", { class: "actions" },
        h("button", { onclick: () => dialog.close() }, "Cancel"),
        h("button", { class: isDangerous ? "danger" : "primary", onclick: agree, autofocus: true }, label)),
    );
    dialog.addEventListener("close", () => resolve(agreed));
  });
}

/** A control with its label. */
export const field = (label, control) => h("label", { class: "field" }, h("span", {}, label), control);

/**
 * Ask in a dialog, and call `act` with the form's data; it stays open and says what went wrong if `act` fails.
 */
export function ask(heading, inputs, label, act) {
  const wrong = h("p", { class: "message error", role: "alert", hidden: true });
  const form = h("form", { class: "stack" }, inputs, wrong, h("div", { class: "actions" },
    h("button", { onclick: () => dialog.close() }, "Cancel"),
    h("button", { type: "submit", class: "primary" }, label)));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await act(new FormData(form));
      dialog.close();
    } catch (error) {
      wrong.textContent = error.message;
      wrong.hidden = false;
    }
  });
  const dialog = openDialog(heading, form);
}
