/** Dialogs in which a person fills in fields. */

import { openDialog } from "./dialog.js";
import { h } from "./dom.js";

/** A control with its label. */
export const field = (label, control) => h("label", { class: "field" }, h("span", {}, label), control);

/**
 * Ask in a dialog, and call `act` with the form's data; it stays open and says what went wrong if `act` fails.
 */
export function ask(heading, inputs, label, act) {
  const wrong = h("p", { class: "message error", role: "alert", hidden: true });
  const form = h("form", { class: "stack" }, inputs, wrong, h("div", { class: "actions" },
    h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
    h("button", { class: "primary" }, label)));
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
