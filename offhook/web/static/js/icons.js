/** Small pictures for buttons, drawn with the colour of the text. */

const PATHS = {
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z",
  back: "M12 5V2L7 6l5 4V7a5.5 5.5 0 1 1-5.4 6.6H4.5A7.6 7.6 0 1 0 12 5z",
  forward: "M12 5V2l5 4-5 4V7a5.5 5.5 0 1 0 5.4 6.6h2.1A7.6 7.6 0 1 1 12 5z",
  edit: "M4 20h4L19 9l-4-4L4 16zM16.2 3.8l4 4 1-1a1.4 1.4 0 0 0 0-2l-2-2a1.4 1.4 0 0 0-2 0z",
  note: "M4 4h16v11l-5 5H4zM6 6v12h8v-4h4V6z",
  link: "M10.6 13.4a1 1 0 0 0 1.4 1.4l4.2-4.2a3 3 0 0 0-4.2-4.2l-1.5 1.5M13.4 10.6a1 1 0 0 0-1.4-1.4l-4.2 4.2a3 3 0 1 0 4.2 4.2l1.5-1.5",
  loop: "M7 7h9V4l4 4-4 4V9H7v4H5V9a2 2 0 0 1 2-2zm10 10H8v3l-4-4 4-4v3h9v-4h2v4a2 2 0 0 1-2 2z",
  voice: "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zm-8 16c0-3.6 4-6 8-6s8 2.4 8 6z",
  up: "M12 8l7 7-1.6 1.6L12 11.2l-5.4 5.4L5 15z",
  down: "M12 16 5 9l1.6-1.6L12 12.8l5.4-5.4L19 9z",
  close: "M6.4 5 12 10.6 17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4L12 13.4 6.4 19 5 17.6l5.6-5.6L5 6.4z",
  more: "M5 10a2 2 0 1 1 0 4 2 2 0 0 1 0-4zm7 0a2 2 0 1 1 0 4 2 2 0 0 1 0-4zm7 0a2 2 0 1 1 0 4 2 2 0 0 1 0-4z",
};
const DRAWN = new Set(["link"]); // these are lines, the others are areas

const SVG = "http://www.w3.org/2000/svg";

/** Make a picture; screen readers pass over it, so its button needs a name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }))
    svg.setAttribute(key, value);
  path.setAttribute("d", PATHS[name]);
  if (DRAWN.has(name)) path.setAttribute("class", "drawn");
  svg.append(path);
  return svg;
}
