/** Writes numbers, times and states for people. */

const two = (number) => String(number).padStart(2, "0");

/** 83.2 → "1:23", 3723 → "1:02:03". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A length in words, roughly: 5400 → "1 h 30 min". */
export function lengthInWords(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return rest ? `${Math.floor(minutes / 60)} h ${rest} min` : `${minutes / 60} h`;
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const SPANS = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [7 * 86400, "day", 86400]];

/** "2026-11-30T07:00:00Z" → "3 hr. ago"; the date after a week. */
export function ago(iso, now = Date.now()) {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  for (const [most, unit, size] of SPANS) {
    if (Math.abs(seconds) < most) return relative.format(Math.round(seconds / size), unit);
  }
  return day(iso);
}

const dayFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const momentFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** The date alone. */
export const day = (iso) => dayFormat.format(new Date(iso));

/** The date and the time of day. */
export const moment = (iso) => momentFormat.format(new Date(iso));

/** 1234567 → "1.2 MB". */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let place = 0;
  let left = bytes;
  while (left >= 1000 && place < units.length - 1) [left, place] = [left / 1000, place + 1];
  return `${place && left < 100 ? left.toFixed(1) : Math.round(left)} ${units[place]}`;
}

/** counted(1, "call") → "1 call", counted(3, "call") → "3 calls". */
export const counted = (count, noun, nouns = `${noun}s`) => `${count.toLocaleString("en")} ${count === 1 ? noun : nouns}`;
