// @ts-check
// JSON as a tree that opens: the elements of a value are made when it is opened, so size costs nothing before.

import { el, fill, visible } from "./dom.js";

const GROUP = 100; // members shown at a time
const LONG = 400; // characters of a string shown at first

/**
 * Return the path of a member, as notes write it.
 * @param {string} path
 * @param {string | number} key
 */
export function join(path, key) {
  if (typeof key === "number") return `${path}[${key}]`;
  return path ? `${path}.${key}` : key;
}

/**
 * Return the keys of a path: `input[3].content` → ["input", 3, "content"].
 * @param {string} path
 * @returns {(string | number)[]}
 */
export function split(path) {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map((found) => (found[1] !== undefined ? Number(found[1]) : found[2]));
}

/**
 * Return as much of a path as there is in a value; "" for nothing of it.
 * @param {any} value
 * @param {string} path
 */
export function deepest(value, path) {
  let found = "";
  for (const key of split(path)) {
    if (!isContainer(value) || !(key in value)) break;
    [found, value] = [join(found, key), value[key]];
  }
  return found;
}

/** A tree of one JSON value. `element` is what is shown. */
export class Tree {
  /**
   * @param {any} value
   * @param {string} label
   * @param {{param: string, action: string, reason: string}[]} [notes] shown at the values that they are about
   */
  constructor(value, label, notes = []) {
    this.value = value;
    /** @type {Map<string, any[]>} notes by the path that they are shown at */
    this.notes = new Map();
    /** @type {Set<string>} paths of values in which there is a note */
    this.noted = new Set();
    for (const note of notes) this.place(note);
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    this.root = new Row(this, value, "", null, 0);
    this.element = el("div", { class: "tree", role: "group", "aria-label": label }, this.root.element);
    if (isContainer(value)) this.root.open();
  }

  /** @param {{param: string}} note */
  place(note) {
    let path = "", value = this.value;
    for (const key of split(note.param)) {
      if (!isContainer(value) || !(key in value)) break;
      this.noted.add(path);
      [path, value] = [join(path, key), value[key]];
    }
    if (path) this.notes.set(path, [...(this.notes.get(path) ?? []), note]);
  }

  /**
   * Open the tree down to a path, or as far as it goes; return the row there. Undefined: nothing of it exists.
   * @param {string} path
   */
  reveal(path) {
    let row = this.root;
    let found = path === "" ? row : undefined;
    for (const key of split(path)) {
      if (!isContainer(row.value) || !(key in row.value)) break;
      row.open();
      const next = row.child(key);
      if (!next) break;
      row = found = next;
    }
    return found;
  }
}

/** One value and its key. */
class Row {
  /**
   * @param {Tree} tree
   * @param {any} value
   * @param {string} path
   * @param {string | number | null} key
   * @param {number} depth
   */
  constructor(tree, value, path, key, depth) {
    this.tree = tree;
    this.value = value;
    this.path = path;
    this.depth = depth;
    tree.rows.set(path, this);
    const name = key === null ? null : el("span", { class: "key" }, key, ": ");
    const notes = (tree.notes.get(path) ?? []).map((note) =>
      el("span", { class: "flag", title: visible(note.reason) }, note.action, el("span", { class: "unseen" }, `: ${visible(note.reason)}`)));
    if (!isContainer(value)) {
      this.element = el("div", { class: "row leaf", title: visible(path) || null }, name, leaf(value), notes);
      return;
    }
    this.list = el("div", { class: "members" });
    this.element = el("details", { class: "row" },
      el("summary", { title: visible(path) || null }, name, el("span", { class: "outline" }, outline(value)),
        tree.noted.has(path) && el("span", { class: "flag within", title: "notes inside" }, "⚑", el("span", { class: "unseen" }, " notes inside")), notes),
      this.list);
    this.element.addEventListener("toggle", () => /** @type {HTMLDetailsElement} */ (this.element).open && this.build());
  }

  open() {
    /** @type {HTMLDetailsElement} */ (this.element).open = true;
    this.build();
  }

  build() {
    if (this.built || !this.list) return;
    this.built = true;
    this.shown = 0;
    this.keys = Array.isArray(this.value) ? [...this.value.keys()] : Object.keys(this.value);
    this.more = el("button", { class: "small", type: "button", onclick: () => this.show(GROUP) });
    this.list.append(this.more);
    this.show(GROUP);
    if (this.keys.length === 1 && this.depth < 3) this.child(this.keys[0])?.openIfSmall();
  }

  openIfSmall() {
    if (isContainer(this.value) && Object.keys(this.value).length <= 12) this.open();
  }

  /** @param {number} number */
  show(number) {
    if (!this.keys || !this.more) return;
    const until = Math.min(this.keys.length, (this.shown ?? 0) + number);
    for (const key of this.keys.slice(this.shown, until)) {
      const row = new Row(this.tree, this.value[key], join(this.path, key), key, this.depth + 1);
      this.more.before(row.element);
      if (this.depth < 1 && this.keys.length <= 20 && this.tree.rows.size < 400) row.openIfSmall();
    }
    this.shown = until;
    this.more.hidden = until === this.keys.length;
    this.more.textContent = `${this.keys.length - until} more`;
  }

  /** @param {string | number} key */
  child(key) {
    const at = this.keys?.indexOf(/** @type {never} */ (key)) ?? -1;
    if (at >= (this.shown ?? 0)) this.show(at - (this.shown ?? 0) + 1);
    return this.tree.rows.get(join(this.path, key));
  }
}

/** @param {any} value */
function isContainer(value) {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

/** @param {any} value */
function outline(value) {
  if (Array.isArray(value)) return `[${value.length}]`;
  const told = ["type", "role", "name"].map((name) => value[name]).filter((one) => typeof one === "string");
  return `{${Object.keys(value).length}} ${told.join(" · ").slice(0, 80)}`;
}

/** @param {any} value */
function leaf(value) {
  if (typeof value !== "string") return el("span", { class: value === null ? "null" : typeof value }, JSON.stringify(value));
  if (value.length <= LONG) return el("span", { class: "string" }, value === "" ? '""' : value);
  const text = el("span", { class: "string" }, value.slice(0, LONG));
  const more = el("button", { class: "small", type: "button" }, `… ${value.length - LONG} more characters`);
  more.addEventListener("click", () => {
    fill(text, value);
    more.remove();
  });
  return el("span", {}, text, more);
}
