/** Builds elements. Texts become text nodes, so nothing that a person or a file is called becomes markup. */

/**
 * Make an element. `props` has `class`, `dataset`, `on<event>` handlers and attributes; `true` is one without a
 * value, `false`, `null` and `undefined` are none. A button sends no form unless its `type` says so.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  if (tag === "button") element.type = tag;
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  element.append(...shown(children));
  return element;
}

const shown = (children) => children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);

function set(element, name, value) {
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "class") element.className = value ?? "";
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (name === "value" || name === "checked" || name === "disabled" || name === "hidden") element[name] = value;
  else if (value === true) element.setAttribute(name, "");
  else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
}

export const byId = (id) => document.getElementById(id);

/** Replace the children of an element. */
export function fill(element, ...children) {
  element.replaceChildren(...shown(children));
  return element;
}

/** The data that the page came with. */
export const pageData = () => JSON.parse(byId("data").textContent);

/** Call `act` once nobody has called the result for `waitMs`; `.flush()` calls it at once if it is due. */
export function debounced(waitMs, act) {
  let timer = 0;
  let due = null;
  const run = () => {
    clearTimeout(timer);
    const args = due;
    due = null;
    if (args) act(...args);
  };
  const call = (...args) => {
    due = args;
    clearTimeout(timer);
    timer = setTimeout(run, waitMs);
  };
  call.flush = run;
  return call;
}
