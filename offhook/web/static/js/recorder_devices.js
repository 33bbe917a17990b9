/** The choosers of devices and channels: what there is, and what was chosen last in this browser. */

import { get } from "./api.js";
import { byId, fill, h } from "./dom.js";

const REMEMBERED = "offhook.recorder.devices";
const LAYOUTS = { mono: "One for both sides", split: "One for each side" };

export class Devices {
  #settings;
  #chosen;
  #found = null;

  /** `settings` say what is recorded if nothing is chosen. */
  constructor(settings) {
    this.#settings = settings;
    this.#chosen = remembered();
    for (const name of ["microphone", "loopback", "layout"]) {
      byId(name).addEventListener("change", ({ target }) => this.#choose(name, target));
    }
    byId("look-again").addEventListener("click", () => this.look());
    this.#offer();
  }

  /** Ask the system what there is now. */
  async look() {
    const hint = byId("devices-hint");
    try {
      this.#found = await get("/api/v1/recorder/devices");
      hint.textContent = this.#found.reason ?? (this.#found.devices.length ? "" : "There is no audio device. Plug one in.");
    } catch (error) {
      hint.textContent = error.message;
    }
    this.#offer();
  }

  /** What stands in for the settings, as `start` takes it. */
  get given() {
    return Object.fromEntries(Object.entries(this.#chosen).map(([name, { value }]) => [name, value]));
  }

  #choose(name, select) {
    const option = select.selectedOptions[0];
    if (select.value) this.#chosen[name] = { value: select.value, label: option.dataset.name ?? option.textContent };
    else delete this.#chosen[name];
    remember(this.#chosen);
  }

  #offer() {
    for (const side of ["microphone", "loopback"]) this.#offerSide(side);
    const usual = LAYOUTS[this.#settings.layout] ?? this.#settings.layout;
    const others = Object.entries(LAYOUTS).map(([value, label]) => h("option", { value }, label));
    this.#put("layout", [h("option", { value: "" }, `${usual} (setting)`), ...others]);
  }

  #offerSide(side) {
    const usual = this.#found?.[side]?.name ?? this.#settings[side];
    const devices = (this.#found?.devices ?? []).filter((device) => device.side === side);
    this.#put(side, [
      h("option", { value: "" }, `${usual} (setting)`),
      h("option", { value: "default" }, "Default of the system"),
      ...devices.map(({ key, name }) => h("option", { value: key, dataset: { name } }, name)),
      h("option", { value: "none" }, "Nothing"),
    ]);
  }

  /** Offer options, with the remembered one selected; one that is not there now stays and says so. */
  #put(name, options) {
    const select = byId(name);
    const chosen = this.#chosen[name];
    if (chosen && !options.some((option) => option.value === chosen.value)) {
      const label = this.#found ? `${chosen.label} (not there now)` : chosen.label;
      options.push(h("option", { value: chosen.value, dataset: { name: chosen.label } }, label));
    }
    fill(select, options).value = chosen?.value ?? "";
  }
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(REMEMBERED)) ?? {};
  } catch {
    return {}; // the browser keeps nothing, or something else
  }
}

function remember(chosen) {
  try {
    localStorage.setItem(REMEMBERED, JSON.stringify(chosen));
  } catch {
    // a browser that keeps nothing
  }
}
