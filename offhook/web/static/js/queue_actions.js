/** What a person does with calls: each action says what became of them, and a deletion can be undone. */

import { send } from "./api.js";
import { ask, field } from "./dialog.js";
import { h } from "./dom.js";
import { counted } from "./format.js";
import { complain, toast } from "./toast.js";

const PATH = "/api/v1/records";
/** A deletion is carried out after 30 s; the offer to undo it ends before. */
const UNDO_MS = 28_000;

export const retry = (ids, options = {}) => act("retry", { ids, options }, "queued again");
export const cancel = (ids) => act("cancel", { ids }, "cancelled");
/** Transcribe calls sooner or later: `up`, `down` or `first`. */
export const move = (ids, where) => act("move", { ids, where }, where === "down" ? "made less urgent" : "made more urgent");

/** Delete calls; returns the numbers of those that are going to be deleted. */
export async function remove(ids) {
  const done = await act("delete", { ids }, null);
  if (done.length) toast(`${counted(done.length, "call")} deleted.`, { undo: () => restore(done), forMs: UNDO_MS });
  return done;
}

export const restore = (ids) => act("undelete", { ids }, "kept");

/** Returns the numbers of those that were changed. */
async function act(name, body, word) {
  let results;
  try {
    ({ results } = await send("POST", `${PATH}/${name}`, body));
  } catch (error) {
    complain(error);
    return [];
  }
  const done = results.filter(({ error }) => !error).map(({ id }) => id);
  const refused = results.filter(({ error }) => error);
  if (done.length && word) toast(`${counted(done.length, "call")} ${word}.`);
  if (refused.length) toast(inWords(refused), { isError: true });
  return done;
}

function inWords(refused) {
  const [{ error }] = refused;
  return refused.length === 1 ? error.message : `${counted(refused.length, "call")} not changed. ${error.message}`;
}

/** Ask a person for settings; `row` has the present ones of one call. */
export function retryWith(ids, settings, row) {
  const offered = settings.map((option) => ({ ...option, value: row?.options[option.name] ?? option.value }));
  const inputs = offered.map((option) => field(option.help, input(option)));
  ask(`Transcribe ${counted(ids.length, "call")} again`, inputs, "Transcribe", async (form) => {
    const changed = offered.filter((option) => given(form, option) !== option.value);
    await retry(ids, Object.fromEntries(changed.map((option) => [option.name, given(form, option)])));
  });
}

function input({ name, value, choices }) {
  if (typeof value === "boolean") return h("input", { type: "checkbox", name, checked: value });
  if (typeof value === "number") return h("input", { type: "number", name, value, min: "0", required: true });
  if (!choices.length) return h("input", { name, value, autocomplete: "off" });
  return h("select", { name }, choices.map((choice) => h("option", { selected: choice === value }, choice)));
}

function given(form, { name, value }) {
  if (typeof value === "boolean") return form.has(name);
  return typeof value === "number" ? Number(form.get(name)) : form.get(name);
}

export const setPaused = (isPaused) =>
  send("POST", `/api/v1/queue/${isPaused ? "pause" : "resume"}`).catch(complain);

/** Queue the call that comes with offhook. */
export const addSample = () => send("POST", "/api/v1/queue/sample").catch(complain);
