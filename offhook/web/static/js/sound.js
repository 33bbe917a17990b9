/** Where an audio element gets a record's sound from: its recording, or a copy that this browser can play. */
import { get, send } from "./api.js";

const POLL_MS = 1000;

/**
 * Give an audio element the sound of a record, as soon as there is one that it can play. `tell` gets how far a
 * copy is (`progress`), which is null when it is there, or `why` there is no sound.
 */
export async function connectSound(audio, path, tell) {
  let hasAskedForCopy = false;
  audio.addEventListener("error", async () => {
    if (hasAskedForCopy) return tell({ progress: null, why: "This browser cannot play the recording." });
    hasAskedForCopy = true;
    return wait(() => send("POST", `${path}/playback`));
  });
  await wait(() => get(`${path}/playback`));

  async function wait(first) {
    try {
      for (let found = await first(); ; found = await get(`${path}/playback`)) {
        hasAskedForCopy ||= found.is_copy;
        if (found.ready) {
          audio.src = `${path}/audio`;
          return tell({ progress: null, why: null });
        }
        if (found.why) return tell({ progress: null, why: found.why });
        tell({ progress: found.progress, why: null });
        await new Promise((done) => setTimeout(done, POLL_MS));
      }
    } catch (error) {
      return tell({ progress: null, why: error.message });
    }
  }
}
