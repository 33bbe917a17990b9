/** The page of a record: puts the parts together. */
import "./desk.js";
import { byId, fill, h, pageData } from "./dom.js";
import { Actions } from "./actions.js";
import { Details } from "./details.js";
import { DoubtWalk } from "./doubtwalk.js";
import { Shelf } from "./draft.js";
import { Editor } from "./edit.js";
import { Exporting } from "./exporting.js";
import { Find } from "./find.js";
import { Follow } from "./follow.js";
import { History } from "./history.js";
import { icon } from "./icons.js";
import { on } from "./events.js";
import { Notes } from "./notes.js";
import { Outbox } from "./outbox.js";
import { Panel } from "./panel.js";
import { PassageRows, estimate } from "./passages.js";
import { Player } from "./player.js";
import { PlayerBar } from "./playerbar.js";
import { Reader } from "./reader.js";
import { Recovery } from "./recovery.js";
import { Replacing } from "./replacing.js";
import { Speakers } from "./speakers.js";
import { complain } from "./toast.js";
import { Transcript } from "./transcript.js";
import { VirtualList } from "./virtual.js";

const data = pageData();
const { record } = data;
const tools = document.querySelector(".tools");
const transcript = new Transcript(record.id);
const rows = new PassageRows(transcript);
const list = new VirtualList({
  element: byId("passages"),
  key: (segment) => segment.index,
  estimate: (segment, _, width) => estimate(segment, width),
  render: (segment, _, row) => rows.render(segment, row),
  removed: (row) => rows.removed(row),
  drawn: (first, last) => (transcript.near = (first + last) >> 1),
  insets: () => [Math.max(0, tools.getBoundingClientRect().bottom), byId("player").offsetHeight],
});
const player = new Player(transcript.path, (record.duration_seconds ?? 0) * 1000, (ms) => transcript.pauseAt(ms));
const shelf = new Shelf(record.id);
const outbox = new Outbox(transcript, shelf);
rows.overlay = (passage) => outbox.shown(passage);

const page = { data, transcript, rows, list, player, shelf, outbox, panel: new Panel() };
page.editor = new Editor(page);
page.reader = new Reader(page);
page.bar = new PlayerBar(player, `${transcript.path}/waveform`, page.reader);
page.follow = new Follow({ ...page, place: page.bar.end });
page.find = new Find(page, (place) => page.reader.goToPlace(place));
page.details = new Details(page);
for (const [id, name] of [["find-previous", "up"], ["find-next", "down"]]) fill(byId(id), icon(name));

page.history = new History(page);
page.speakers = new Speakers(page);
page.replacing = new Replacing(page);
page.exporting = new Exporting(page);

transcript.isGrowing = record.status === "processing";
transcript.addEventListener("outline", () => {
  const isAtEnd = transcript.isGrowing && list.count > 0 && list.isVisible(list.count - 1);
  list.setItems(transcript.segments);
  if (isAtEnd) list.scrollTo(list.count - 1);
});
transcript.addEventListener("change", ({ detail }) => {
  const after = detail.segments.map((index) => index + 1).filter((index) => list.rowAt(index)); // a name may go
  list.refresh(new Set([...detail.segments, ...after]));
  page.follow.remark();
});
outbox.addEventListener("change", ({ detail }) => list.refresh([detail.passage.segment]));
for (const name of ["away", "back"])
  outbox.addEventListener(name, () => {
    byId("away").hidden = !outbox.isAway;
  });
transcript.addEventListener("complete", () => performance.mark("complete"), { once: true });
page.recovery = new Recovery(page);
byId("passages").replaceChildren(); // what the page came with, to be read before scripts run
transcript.begin(data);
page.notes = new Notes(page, () => page.reader.ms, (ms) => page.reader.goTo(ms));
page.doubts = new DoubtWalk(page);
page.actions = new Actions(page);
page.notes.addEventListener("change", () => (page.bar.marks = page.notes.moments));
page.reader.begin();
page.recovery.begin();
stayUpToDate(page);
performance.mark("interactive");

/** Keep the page up to date while the call is transcribed, and while other windows change it. */
function stayUpToDate({ transcript, details, notes, outbox }) {
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
