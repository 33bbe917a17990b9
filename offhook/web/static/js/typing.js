/** Tells other pages of this browser which passage is being edited here. */

const lockOf = (path, word) => `offhook.typing ${path} ${word}`;

/** Whether a living page of this browser has a passage in its editor. */
export async function isTypedNow(path, word) {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return held.some((lock) => lock.name === lockOf(path, word));
}

/** Say that a passage is being edited, until the result is called. */
export function typingIn(path, word) {
  const over = new AbortController();
  const ended = new Promise((done) => over.signal.addEventListener("abort", done));
  navigator.locks?.request(lockOf(path, word), { mode: "shared" }, () => ended);
  return () => over.abort();
}
