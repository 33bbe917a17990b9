/** The last recording, and the calls that are not in the queue yet: what became of them, what can be done. */

import { send } from "./api.js";
import { confirmed } from "./dialog.js";
import { byId, fill, h } from "./dom.js";
import { clock } from "./format.js";
import { complain, toast } from "./toast.js";

const STATES = {
  stopped: "is stopped and waits for you.",
  late: "is saved; it will be queued automatically.",
  interrupted: "was interrupted: its recorder was killed. What was recorded is kept, and is queued when the capture worker runs again.",
  recording: "is being recorded by another capture worker.",
};

export async function discard({ session_id, title, duration_seconds }) {
  const text = `“${title}”, ${clock(duration_seconds)} long, is deleted for good.`;
  if (!(await confirmed("Delete this recording?", text, { label: "Delete", isDangerous: true }))) return;
  try {
    await send("POST", "/api/v1/recorder/discard", { session_id });
    toast("The recording is deleted.");
  } catch (error) {
    complain(error);
  }
}

export function showLast(last) {
  const section = byId("last");
  section.hidden = !last || last.state === "waiting" || last.state === "discarded";
  if (section.hidden) return;
  const where = last.record_id
    ? h("a", { class: "button primary", href: `/records/${last.record_id}` }, "Open the recording")
    : h("p", {}, "It is saved and will be queued automatically. ", last.queue_error);
  const ended = `${last.title}, ${clock(last.duration_seconds)}${last.record_id ? ", is in the queue." : ""}`;
  fill(section, h("p", { class: "grow" }, h("strong", {}, "Last recording: "), ended, last.why ? ` It ended by itself: ${last.why}.` : ""), where);
}

/** A call that a person is writing about stays as it is. */
export function showCalls(calls) {
  const section = byId("calls");
  const kept = new Map([...section.children].map((element) => [element.dataset.call, element]));
  const shown = calls.map((call) => {
    const key = `${call.session_id} ${call.state}`;
    return kept.get(key) ?? h("article", { class: "card stack", dataset: { call: key } }, about(call));
  });
  const leaves = [...kept.values()].filter((element) => !shown.includes(element));
  leaves.forEach((element) => element.remove());
  shown.forEach((element, place) => section.children[place] === element || section.insertBefore(element, section.children[place] ?? null));
}

function about(call) {
  const sentence = h("p", {}, h("strong", {}, call.title), `, ${clock(call.duration_seconds)}, ${STATES[call.state]}`);
  return call.state === "stopped" ? [sentence, decision(call)] : [sentence];
}

function decision(call) {
  const field = (name, label) => {
    const input = h("input", { id: `${name}-${call.session_id}`, maxlength: 500, list: `known-${name}`, value: call[name] ?? "" });
    return [h("div", { class: "field" }, h("label", { for: input.id }, label), input), input];
  };
  const [candidate, candidateInput] = field("candidate_id", "Candidate");
  const [project, projectInput] = field("project_id", "Project");
  const attach = async (event) => {
    event.preventDefault();
    const body = { session_id: call.session_id, candidate_id: candidateInput.value, project_id: projectInput.value };
    try {
      await send("POST", "/api/v1/recorder/attach", body);
      toast(`“${call.title}” goes into the queue.`);
    } catch (error) {
      complain(error);
    }
  };
  return h("form", { class: "stack", onsubmit: attach },
    h("div", { class: "fields" }, candidate, project),
    h("div", { class: "row" },
      h("button", { type: "submit", class: "primary" }, "Put into the queue"),
      h("button", { class: "danger", onclick: () => discard(call) }, "Delete…")));
}
