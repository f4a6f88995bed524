// @ts-check
// Request → chat request → the provider's chunks → events, side by side.

import { copyButton, el, empty, fill } from "./dom.js";
import { milliseconds, plural, size } from "./format.js";
import { parse, write } from "./json.js";
import { Portions } from "./portions.js";
import { Tree, deepest, longText, split } from "./tree.js";

const SHOWN = 150; // chunks and events at a time
const MEMBERS = 200; // of a request, that are compared
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
    /** @type {Map<string, Element>} */
    this.lines = new Map();
    /** @type {Map<string, (at: number) => Element | undefined>} kind → what returns a line, shown if it was not */
    this.reach = new Map();
    const why = one.contents === "recorded" ? "" : one.contents;
    const nothing = (/** @type {string} */ what) => empty(what, why);
    this.requestTree = this.request === undefined ? null : new Tree(this.request, "Request", one.notes);
    this.responseTree = null;
    const parts = [
      this.column("Request", recorded.request && [size(recorded.request.length), copyButton("copy", () => recorded.request, "Copy the request")],
        this.requestTree?.element ?? (recorded.request ? el("pre", {}, longText(recorded.request)) : nothing("Not recorded."))),
      this.chatColumn(recorded.chats, nothing),
      this.column("Provider's chunks", recorded.chunks.length > 0 && [plural(recorded.chunks.length, "read"), copyButton("copy", () => recorded.chunks.map((/** @type {any} */ chunk) => chunk.text).join(""), "Copy the chunks")],
        recorded.chunks.length ? this.list("chunk", recorded.chunks, chunkLine)
          : recorded.error_bodies?.length ? empty("No chunks:", "what the provider answered is an error.") : nothing("Nothing came.")),
      this.eventColumn(nothing),
    ];
    this.element = el("section", { "aria-labelledby": "columns" },
      el("div", { class: "heading" }, el("h2", { id: "columns" }, this.isForwarded ? "From request to answer" : "From request to events"),
        el("p", { class: "hint" }, "1 to 4 go to a column, r to Replay below them, u to the list.")),
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
      const tree = new Tree(parse(chats[at].text) ?? chats[at].text, `${name}, attempt ${chats[at].attempt + 1}`);
      fill(place, tree.element);
    };
    const choice = chats.length > 1 && el("select", { "aria-label": "Which attempt" }, chats.map((chat, at) => {
      const attempt = this.one.attempts?.[chat.attempt];
      return el("option", { value: at, selected: at === chats.length - 1 }, `${chat.attempt + 1}. ${attempt?.upstream ?? ""} (${attempt?.reason ?? ""})`);
    }));
    const chosen = () => (choice ? Number(/** @type {HTMLSelectElement} */ (choice).value) : 0);
    if (choice) choice.addEventListener("change", () => show(chosen()));
    show(chats.length - 1);
    return this.column(name, [choice, size(chats[chats.length - 1].text.length), copyButton("copy", () => chats[chosen()].text, this.isForwarded ? "Copy what was forwarded" : "Copy the chat request")], place);
  }

  /** @param {(what: string) => HTMLElement} nothing */
  eventColumn(nothing) {
    if (this.events.length) {
      return this.column("Events", [plural(this.events.length, "event"), copyButton("copy", () => this.events.map(({ event }) => JSON.stringify(event)).join("\n"), "Copy the events")],
        this.list("event", this.events, eventLine));
    }
    if (this.response !== undefined) {
      this.responseTree = new Tree(this.response, "Response", this.one.notes);
      return this.column("Response", [copyButton("copy", () => this.one.recorded.response, "Copy the response")], this.responseTree.element);
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
    this.lines.set(kind, list);
    const portions = new Portions(list, all.length, SHOWN, (at) => {
      const one = all[at];
      const isNext = kind === "chunk" && at > 0 && one.attempt !== all[at - 1].attempt;
      const item = el("li", { "data-at": one.at }, isNext && this.attemptLine(one.attempt), line(one));
      item.addEventListener("focusin", () => this.point(kind, one.at));
      item.addEventListener("mouseenter", () => this.point(kind, one.at));
      return item;
    }, (button) => el("li", {}, button));
    this.reach.set(kind, (at) => portions.reveal(at));
    return list;
  }

  /**
   * Return what parts the chunks of one attempt from those of the one before.
   * @param {number} at
   */
  attemptLine(at) {
    const attempt = this.one.attempts?.[at];
    return el("p", { class: "hint" }, `Attempt ${at + 1}: `, attempt?.upstream ?? "", `, ${attempt?.reason ?? ""}`);
  }

  /**
   * Mark what happened in the other column at the time of a line of this one.
   * @param {string} kind
   * @param {number} at
   */
  point(kind, at) {
    const others = /** @type {HTMLElement[]} */ ([...(this.lines.get(kind === "chunk" ? "event" : "chunk")?.querySelectorAll(":scope > [data-at]") ?? [])]);
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
    const element = kind === "chunk" ? this.reach.get("chunk")?.(Number(where))
      : kind === "response" && !tree ? this.lastEvent() : tree?.reveal(String(where))?.element ?? this.requestTree?.root.element;
    if (!element) return "Its place is not recorded.";
    element.classList.add("marked");
    element.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    const summary = element.querySelector("summary");
    if (!summary) element.setAttribute("tabindex", "-1");
    (summary ?? element).focus({ preventScroll: true });
    if (kind === "chunk") return `${note.param} is of the provider's answer; marked is where it came.`;
    if (kind === "response" && !tree) return `${note.param} is of the response; marked is the event that ends it.`;
    return where === note.param ? `At ${note.param} of the ${kind}.` : `Marked is ${where || "the whole request"}, the nearest to ${note.param}.`;
  }

  /** Return the line of the event that has the whole response. */
  lastEvent() {
    return this.reach.get("event")?.(this.events.findLastIndex(({ event }) => event.response));
  }

  /** @param {any[]} chats */
  comparison(chats) {
    const chat = chats.length ? parse(chats[chats.length - 1].text) : undefined;
    if (typeof this.request !== "object" || this.request === null || typeof chat !== "object" || chat === null) return null;
    const details = el("details", { class: "comparison" }, el("summary", {}, "What the chat request adds and lacks"));
    details.addEventListener("toggle", () => {
      if (details.childElementCount === 1) details.append(compare(this.request, chat));
    });
    return details;
  }
}

/**
 * Return a table of the members of a request and of a chat request.
 * @param {any} request
 * @param {any} chat
 */
function compare(request, chat) {
  const member = (/** @type {any} */ value, /** @type {string} */ name) => (Object.hasOwn(value, name) ? value[name] : undefined);
  const short = (/** @type {any} */ value) => {
    const text = value === undefined ? "" : write(value) ?? "nested too deeply to be compared";
    return text.length > 160 ? `${text.slice(0, 160)} …` : text;
  };
  const names = [...new Set([...Object.keys(request), ...Object.keys(chat)])];
  const rows = names.slice(0, MEMBERS).map((name) => {
    const mine = member(request, name), theirs = member(chat, name);
    const what = mine === undefined ? "added" : theirs === undefined ? "not there" : isEqual(mine, theirs) ? "equal" : "changed";
    return el("tr", { class: what.replace(" ", "-") }, el("th", { scope: "row" }, name), el("td", {}, what), el("td", {}, el("code", {}, short(mine))), el("td", {}, el("code", {}, short(theirs))));
  });
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Members of both requests" },
    el("table", {}, el("caption", { class: "unseen" }, "Members of the request and of the last chat request"),
      el("thead", {}, el("tr", {}, ["Member", "In the chat request", "Request", "Chat request"].map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, rows)),
    names.length > MEMBERS && el("p", { class: "hint" }, `and ${plural(names.length - MEMBERS, "other")}`));
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
  // What a conversation has is noted like what a previous response has.
  if (param === "previous_response_id" && deepest(request, "conversation")) return ["request", "conversation"];
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

/**
 * @param {any} mine
 * @param {any} theirs
 */
function isEqual(mine, theirs) {
  const text = write(mine);
  return text !== undefined && text === write(theirs);
}
