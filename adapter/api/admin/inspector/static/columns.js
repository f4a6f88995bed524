// @ts-check
// Request → chat request → the provider's chunks → events, side by side.

import { copyButton, el, empty, fill } from "./dom.js";
import { milliseconds, plural, size } from "./format.js";
import { Tree, deepest, split } from "./tree.js";

const SHOWN = 150; // chunks and events at a time
const TEXTS = /"(?:content|reasoning_content|reasoning)": ?("(?:[^"\\]|\\.)*")/g; // the words of a whole answer
const PIECES = /"(?:content|reasoning_content|reasoning|arguments)": ?("(?:[^"\\]|\\.)*")/g; // those of a streamed one

export class Columns {
  /** @param {any} one */
  constructor(one) {
    this.one = one;
    this.isForwarded = one.transport === "forwarded";
    const recorded = one.recorded;
    this.request = parse(recorded.request);
    /** @type {{at: number, event: any}[]} */
    this.events = recorded.events.flatMap((/** @type {[number, any[]]} */ [at, batch]) => batch.map((/** @type {any} */ event) => ({ at, event })));
    this.response = parse(recorded.response) ?? this.events.findLast(({ event }) => event.response)?.event.response;
    /** @type {Map<string, HTMLElement[]>} */
    this.lines = new Map();
    /** @type {Map<string, (at: number) => HTMLElement | undefined>} kind → what returns a line, shown if it was not */
    this.reach = new Map();
    const why = one.contents === "recorded" ? "" : one.contents;
    const nothing = (/** @type {string} */ what) => empty(what, why);
    this.requestTree = this.request === undefined ? null : new Tree(this.request, "Request", one.notes);
    this.responseTree = null;
    const parts = [
      this.column("Request", recorded.request && [size(recorded.request.length), copyButton("copy", () => recorded.request)],
        this.requestTree?.element ?? (recorded.request ? el("pre", {}, recorded.request) : nothing("Not recorded."))),
      this.chatColumn(recorded.chats, nothing),
      this.column("Provider's chunks", recorded.chunks.length > 0 && [plural(recorded.chunks.length, "read"), copyButton("copy", () => recorded.chunks.map((/** @type {any} */ chunk) => chunk.text).join(""))],
        recorded.chunks.length ? this.list("chunk", recorded.chunks, chunkLine) : nothing("Nothing came.")),
      this.eventColumn(nothing),
    ];
    this.element = el("section", { "aria-labelledby": "columns" },
      el("div", { class: "heading" }, el("h2", { id: "columns" }, this.isForwarded ? "From request to answer" : "From request to events"),
        el("p", { class: "hint" }, "1 to 4 go to a column.")),
      el("div", { class: "columns" }, parts), this.isForwarded ? null : this.comparison(recorded.chats));
  }

  /**
   * @param {string} name
   * @param {any} tools
   * @param {any} body
   */
  column(name, tools, body) {
    return el("section", { class: "column", "aria-label": name },
      el("div", { class: "column-head" }, el("h3", {}, name), el("span", { class: "hint tools" }, tools || null)),
      el("div", { class: "column-body", tabindex: 0, role: "group", "aria-label": `${name}, contents` }, body));
  }

  /**
   * @param {any[]} chats
   * @param {(what: string) => HTMLElement} nothing
   */
  chatColumn(chats, nothing) {
    const name = this.isForwarded ? "As forwarded" : "Chat request";
    if (chats.length === 0) return this.column(name, null, nothing("None was sent, or it is not recorded."));
    const place = el("div", {});
    const show = (/** @type {number} */ at) => {
      const tree = new Tree(parse(chats[at].text), `${name}, attempt ${chats[at].attempt + 1}`);
      fill(place, tree.element);
    };
    const choice = chats.length > 1 && el("select", { "aria-label": "Which attempt" }, chats.map((chat, at) => {
      const attempt = this.one.attempts?.[chat.attempt];
      return el("option", { value: at, selected: at === chats.length - 1 }, `${chat.attempt + 1}. ${attempt?.upstream ?? ""} (${attempt?.reason ?? ""})`);
    }));
    const chosen = () => (choice ? Number(/** @type {HTMLSelectElement} */ (choice).value) : 0);
    if (choice) choice.addEventListener("change", () => show(chosen()));
    show(chats.length - 1);
    return this.column(name, [choice, size(chats[chats.length - 1].text.length), copyButton("copy", () => chats[chosen()].text)], place);
  }

  /** @param {(what: string) => HTMLElement} nothing */
  eventColumn(nothing) {
    if (this.events.length) {
      return this.column("Events", [plural(this.events.length, "event"), copyButton("copy", () => this.events.map(({ event }) => JSON.stringify(event)).join("\n"))],
        this.list("event", this.events, eventLine));
    }
    if (this.response !== undefined) {
      this.responseTree = new Tree(this.response, "Response", this.one.notes);
      return this.column("Response", [copyButton("copy", () => this.one.recorded.response)], this.responseTree.element);
    }
    if (this.isForwarded) return this.column("Answer", null, empty("The provider's own,", "passed on as it came."));
    return this.column("Events", null, nothing("None were sent."));
  }

  /**
   * Return a list that shows more when it is asked to.
   * @param {string} kind
   * @param {any[]} all
   * @param {(one: any) => HTMLElement} line
   */
  list(kind, all, line) {
    const list = el("ol", { class: `lines ${kind}s` });
    /** @type {HTMLElement[]} */
    const made = [];
    this.lines.set(kind, made);
    const more = el("button", { class: "small", type: "button" });
    const show = () => {
      const until = Math.min(all.length, made.length + SHOWN);
      for (const one of all.slice(made.length, until)) {
        if (kind === "chunk" && made.length && one.attempt !== all[made.length - 1].attempt) list.append(this.attemptLine(one.attempt));
        const item = el("li", { "data-at": one.at }, line(one));
        item.addEventListener("focusin", () => this.point(kind, one.at));
        item.addEventListener("mouseenter", () => this.point(kind, one.at));
        made.push(item);
        list.append(item);
      }
      more.hidden = made.length === all.length;
      more.textContent = `${all.length - made.length} more`;
    };
    this.reach.set(kind, (at) => {
      while (made.length <= at && made.length < all.length) show();
      return made[at];
    });
    more.addEventListener("click", show);
    show();
    return el("div", {}, list, more);
  }

  /**
   * Return what parts the chunks of one attempt from those of the one before.
   * @param {number} at
   */
  attemptLine(at) {
    const attempt = this.one.attempts?.[at];
    return el("li", { class: "hint" }, `Attempt ${at + 1}: `, attempt?.upstream ?? "", `, ${attempt?.reason ?? ""}`);
  }

  /**
   * Mark what happened in the other column at the time of a line of this one.
   * @param {string} kind
   * @param {number} at
   */
  point(kind, at) {
    const others = this.lines.get(kind === "chunk" ? "event" : "chunk") ?? [];
    for (const line of others) line.classList.remove("same-time");
    const times = others.map((line) => Number(line.dataset.at));
    // An event follows the chunk that it was made of; a chunk is followed by its events.
    const index = kind === "event" ? times.findLastIndex((time) => time <= at) : times.findIndex((time) => time >= at);
    const found = others[index];
    if (!found) return;
    found.classList.add("same-time");
    const body = /** @type {HTMLElement} */ (found.closest(".column-body"));
    body.scrollTop = found.offsetTop - body.offsetTop - body.clientHeight / 3;
  }

  /**
   * Mark the place of a note; return what was done, in words.
   * @param {{param: string}} note
   */
  mark(note) {
    for (const old of this.element.querySelectorAll(".marked")) old.classList.remove("marked");
    const place = findPlace(note.param, this.request, this.response, this.one.recorded.chunks);
    const [kind, where] = place ?? ["request", ""];
    const tree = kind === "response" ? this.responseTree : this.requestTree;
    const element = kind === "chunk" ? this.reach.get("chunk")?.(Number(where)) : tree?.reveal(String(where))?.element ?? this.requestTree?.root.element;
    if (!element) return "Its place is not recorded.";
    element.classList.add("marked");
    element.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    const summary = element.querySelector("summary");
    if (!summary) element.setAttribute("tabindex", "-1");
    (summary ?? element).focus({ preventScroll: true });
    if (kind === "chunk") return `${note.param} is of the provider's answer; marked is where it came.`;
    return where === note.param ? `At ${note.param} of the ${kind}.` : `Marked is ${where || "the whole request"}, the nearest to ${note.param}.`;
  }

  /** @param {any[]} chats */
  comparison(chats) {
    const chat = chats.length ? parse(chats[chats.length - 1].text) : undefined;
    if (typeof this.request !== "object" || this.request === null || typeof chat !== "object" || chat === null) return null;
    const short = (/** @type {any} */ value) => {
      const text = value === undefined ? "" : JSON.stringify(value);
      return text.length > 160 ? `${text.slice(0, 160)} …` : text;
    };
    const names = [...new Set([...Object.keys(this.request), ...Object.keys(chat)])];
    const rows = names.map((name) => {
      const mine = this.request[name], theirs = chat[name];
      const what = mine === undefined ? "added" : theirs === undefined ? "not there" : JSON.stringify(mine) === JSON.stringify(theirs) ? "equal" : "changed";
      return el("tr", { class: what.replace(" ", "-") }, el("th", { scope: "row" }, name), el("td", {}, what), el("td", {}, el("code", {}, short(mine))), el("td", {}, el("code", {}, short(theirs))));
    });
    return el("details", { class: "comparison" }, el("summary", {}, "What the chat request adds and lacks"),
      el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Members of both requests" },
        el("table", {}, el("caption", { class: "unseen" }, "Members of the request and of the last chat request"),
          el("thead", {}, el("tr", {}, ["Member", "In the chat request", "Request", "Chat request"].map((head) => el("th", { scope: "col" }, head)))),
          el("tbody", {}, rows))));
  }
}

/**
 * Return what a note is about: a path in the request or the response, or the number of a chunk; null: nothing recorded.
 * @param {string} param a path, or a member of the provider's answer
 * @param {any} request
 * @param {any} response
 * @param {{text: string}[]} chunks
 * @returns {[string, string | number] | null}
 */
export function findPlace(param, request, response, chunks) {
  for (const [kind, value] of /** @type {[string, any][]} */ ([["request", request], ["response", response]])) {
    const path = deepest(value, param);
    if (path) return [kind, path];
  }
  const member = `"${split(param)[0]}"`;
  const at = chunks.findIndex((chunk) => chunk.text.includes(member));
  return chunks.length ? ["chunk", Math.max(0, at)] : null;
}

/** @param {any} chunk */
function chunkLine(chunk) {
  const whole = parse(chunk.text); // of an answer that is not streamed
  const isWhole = typeof whole === "object" && whole !== null;
  const heads = [el("span", { class: "at" }, milliseconds(chunk.at)), el("span", { class: "gist" }, gistOf(chunk.text, isWhole ? TEXTS : PIECES))];
  return isWhole ? unfolding(heads, whole, "Answer") : el("details", {}, el("summary", {}, heads), el("pre", { tabindex: 0 }, chunk.text));
}

/**
 * Return a line whose value is shown as a tree when it is opened.
 * @param {HTMLElement[]} heads
 * @param {any} value
 * @param {string} label
 */
function unfolding(heads, value, label) {
  const place = el("div", {});
  const line = el("details", {}, el("summary", {}, heads), place);
  line.addEventListener("toggle", () => {
    if (place.childElementCount === 0) place.append(new Tree(value, label).element);
  });
  return line;
}

/**
 * Return the words in a chunk, else its beginning.
 * @param {string} text
 * @param {RegExp} members those that have the words
 */
function gistOf(text, members) {
  const words = [...text.matchAll(members)].map((found) => parse(found[1]) ?? "");
  return words.join("") || text.replace(/\s+/g, " ").slice(0, 80);
}

/** @param {{at: number, event: any}} one */
function eventLine({ at, event }) {
  return unfolding([
    el("span", { class: "at" }, milliseconds(at)), el("span", { class: "type" }, String(event.type).replace("response.", "")),
    el("span", { class: "gist" }, event.delta ?? event.item?.type ?? ""),
  ], event, event.type);
}

/** @param {string | null | undefined} text */
function parse(text) {
  try {
    return text === null || text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
