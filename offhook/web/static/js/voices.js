/** How speakers look: each has a colour and a shape, so that colour alone never tells who speaks. */
import { h } from "./dom.js";

const SHAPES = ["●", "■", "▲", "◆", "★", "✚"];
const UNSURE = "unsure";

/** The number of a speaker's look, from 0: `me` and `voice 1` have the first one, `them` the second one. */
function lookOf(speaker) {
  const [side, number] = speaker.split(" ");
  if (!number) return side === "me" ? 0 : 1;
  return (Number(number) - (side === "voice" ? 1 : 0)) % SHAPES.length;
}

export function look(speaker) {
  if (!speaker || speaker === UNSURE) return { className: "voice-none", shape: "?" };
  const number = lookOf(speaker);
  return { className: `voice-${number}`, shape: SHAPES[number] };
}

/** The shape of a speaker, which screen readers pass over. */
export function shapeOf(speaker) {
  const { className, shape } = look(speaker);
  return h("span", { class: `shape ${className}`, "aria-hidden": "true" }, shape);
}
