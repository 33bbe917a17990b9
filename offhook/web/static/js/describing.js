/** What a person says of a call. */

import { send } from "./api.js";
import { ask, field } from "./dialog.js";
import { h } from "./dom.js";
import { toast } from "./toast.js";

const FIELDS = { title: "Title", candidate_id: "Candidate", project_id: "Project" };

/** Ask a person; `stored` gets the call's new row. */
export function describe(row, stored = () => {}) {
  const inputs = Object.entries(FIELDS).map(([name, label]) =>
    field(label, h("input", { name, value: row[name] ?? "", maxlength: "500", required: name === "title", autocomplete: "off" })));
  ask("Describe the call", inputs, "Save", async (form) => {
    const given = Object.fromEntries(Object.keys(FIELDS).map((name) => [name, form.get(name).trim()]));
    stored(await send("PATCH", `/api/v1/records/${row.id}`, given));
    toast("Saved.");
  });
}
