/** Finds text in passages, whatever its case and its accents. */

const folded = new WeakMap(); // passage -> text to search in, as long as its text
const letters = new Map();

/** A letter without its accent, in lower case; itself where that would be longer or shorter. */
function foldLetter(letter) {
  let found = letters.get(letter);
  if (found === undefined) {
    const bare = letter.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    found = bare.length === letter.length ? bare : letter.toLowerCase().slice(0, letter.length) || letter;
    letters.set(letter, found);
  }
  return found;
}

/** A text for comparing: as long as before, in lower case, letters without accents, one kind of apostrophe. */
function fold(text) {
  return text.toLowerCase().length === text.length
    ? text.toLowerCase().replace(/[^\x00-\x7f]/g, (letter) => (letter === "’" ? "'" : foldLetter(letter)))
    : text.replace(/[^]/g, foldLetter);
}

function foldedText(passage) {
  let text = folded.get(passage);
  if (text === undefined) folded.set(passage, (text = fold(passage.text)));
  return text;
}

/** All places of a text: `{ passage, offset, length }`, in the order of the transcript. */
export function findAll(passages, wanted) {
  const query = fold(wanted.trim().replace(/\s+/g, " "));
  const found = [];
  if (!query) return found;
  for (const passage of passages) {
    const text = foldedText(passage);
    for (let at = text.indexOf(query); at >= 0; at = text.indexOf(query, at + query.length))
      found.push({ passage, offset: at, length: query.length });
  }
  return found;
}
