/** Keeps the page up to date while the call is transcribed, and while other windows change it. */
import { byId, h } from "./dom.js";
import { on } from "./events.js";
import { complain } from "./toast.js";

export function stayUpToDate({ transcript, details, notes, outbox }) {
  const { id } = details.record;
  const isMine = (data) => data.id === id;
  on("words", (data) => isMine(data) && transcript.reload().catch(complain));
  on("record", (row) => {
    if (!isMine(row)) return;
    transcript.isGrowing = row.status === "processing";
    details.show(row);
    if (!transcript.isGrowing) transcript.reload().catch(complain);
  });
  on("deleted", (data) => {
    if (!isMine(data) || byId("deleted")) return;
    byId("main").prepend(h("p", { id: "deleted", class: "message error", role: "alert" }, "This call was deleted."));
  });
  document.addEventListener("visibilitychange", () => document.hidden || notes.load()); // no event tells of notes
  on("connection", ({ isUp }) => {
    if (!isUp) return;
    outbox.hurry();
    notes.load();
  });
}
