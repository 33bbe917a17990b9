/** The files of a drop, those in folders too. */

/** Walk what was dropped; the entries must be taken before the event is over. */
export async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  return (await Promise.all(entries.map(walk))).flat();
}

async function walk(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (let batch; (batch = await read(reader)).length; ) found.push(...batch); // at most 100 at once
  const inside = found.filter(({ name }) => !name.startsWith("."));
  return (await Promise.all(inside.map(walk))).flat();
}

const read = (reader) => new Promise((resolve, reject) => reader.readEntries(resolve, reject));

/** Whether files are dragged, not text or a link. */
export const hasFiles = (transfer) => [...(transfer?.types ?? [])].includes("Files");
