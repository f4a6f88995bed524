// @ts-check
// JSON as a tree that opens: the elements of a value are made when it is opened, so size costs nothing before.

import { add, el, focusOn, visible } from "./dom.js";
import { count } from "./format.js";
import { isContainer, kindOf, write } from "./json.js";
import { Portions } from "./portions.js";

const GROUP = 100; // members shown at a time
const LONG = 400; // characters of a string shown at first
const MORE = 20000; // and each time that more are asked for: a browser breaks some thousand lines without delay

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
    if (!has(value, key)) break;
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
      if (!has(value, key)) break;
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
      if (!has(row.value, key)) break;
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
    this.keys = Array.isArray(this.value) ? null : Object.keys(this.value);
    const total = this.keys?.length ?? this.value.length;
    this.portions = new Portions(this.list, total, GROUP, (at) => this.make(at, total));
    if (total === 1 && this.depth < 3) this.child(this.keys?.[0] ?? 0)?.openIfSmall();
  }

  openIfSmall() {
    if (isContainer(this.value) && Object.keys(this.value).length <= 12) this.open();
  }

  /**
   * @param {number} at
   * @param {number} total
   */
  make(at, total) {
    const key = this.keys ? this.keys[at] : at;
    const row = new Row(this.tree, this.value[key], join(this.path, key), key, this.depth + 1);
    if (this.depth < 1 && total <= 20 && this.tree.rows.size < 400) row.openIfSmall();
    return row.element;
  }

  /** @param {string | number} key */
  child(key) {
    this.portions?.reveal(this.keys ? this.keys.indexOf(String(key)) : Number(key));
    return this.tree.rows.get(join(this.path, key));
  }
}

/**
 * @param {any} value
 * @param {string | number} key
 */
function has(value, key) {
  return isContainer(value) && Object.hasOwn(value, key) && !(Array.isArray(value) && key === "length");
}

/** @param {any} value */
function outline(value) {
  if (Array.isArray(value)) return `[${value.length}]`;
  const told = ["type", "role", "name"].map((name) => value[name]).filter((one) => typeof one === "string");
  return `{${Object.keys(value).length}} ${told.join(" · ").slice(0, 80)}`;
}

/** @param {any} value */
function leaf(value) {
  if (typeof value !== "string") return el("span", { class: kindOf(value) }, write(value) ?? "");
  return value === "" ? el("span", { class: "string" }, '""') : longText(value);
}

/**
 * Return a text, of which more is shown when it is asked for.
 * @param {string} value
 */
export function longText(value) {
  const text = el("span", { class: "string" });
  const more = el("button", { class: "small", type: "button" });
  let shown = 0;
  const show = (/** @type {number} */ number) => {
    const until = wholeCharacters(value, shown + number);
    add(text, [value.slice(shown, until)]);
    shown = until;
    more.textContent = `… ${count(value.length - shown)} more characters`;
    return shown < value.length;
  };
  if (!show(LONG)) return text;
  more.addEventListener("click", () => {
    if (show(MORE)) return;
    more.remove();
    focusOn(text);
  });
  return el("span", {}, text, more);
}

/**
 * Return a position in a text that is in no character.
 * @param {string} text
 * @param {number} at
 */
function wholeCharacters(text, at) {
  const isInside = /[\ud800-\udbff]/.test(text.charAt(at - 1)) && /[\udc00-\udfff]/.test(text.charAt(at));
  return Math.min(text.length, isInside ? at + 1 : at);
}
