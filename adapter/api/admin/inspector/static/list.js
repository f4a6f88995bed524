// @ts-check
// The live list of recordings. It pauses while it has the focus, so that no row moves away under it.

import { follow, read } from "./api.js";
import { announce, el, empty, fill, visible } from "./dom.js";
import { clock, count, milliseconds, plural } from "./format.js";

const MAX_ROWS = 500;
const HEADS = ["Time", "Status", "Model", "Upstream", "Key", "First token", "Total", "Tokens in", "cached", "out", "Notes", "Attempts", "Via"];
const NUMBERS = [5, 6, 7, 8, 9, 10, 11];
const MODES = /** @type {Record<string, string>} */ ({
  heads: "Heads only: what callers and models wrote is not recorded.",
  contents: "Contents are recorded, unless the request has store: false.",
  all: "All contents are recorded.",
});

/** @param {HTMLElement} main */
export async function showList(main) {
  await new List(main).start();
}

class List {
  /** @param {HTMLElement} main */
  constructor(main) {
    this.main = main;
    this.query = new URLSearchParams(location.search);
    /** @type {Map<string, HTMLElement>} */
    this.rows = new Map();
    /** @type {any[]} changes that wait until the list goes on */
    this.waiting = [];
    this.isPaused = false;
    this.slowest = 1;
  }

  async start() {
    const found = await read(`recordings?${this.query}`);
    this.isOlder = this.query.has("before");
    this.body = el("tbody", {});
    this.live = el("span", { class: "live" }, "connecting …");
    this.news = el("button", { class: "small", type: "button", hidden: true, onclick: () => this.showWaiting() });
    this.pause = el("button", { class: "small", type: "button", onclick: () => this.togglePause() }, "Pause");
    this.nothing = this.isChosen() ? empty("No response is as the filters say.", this.query.get("text") || this.isOlder ? "" : "Those that come appear here.")
      : empty("No responses yet.", `They appear here as they come, from all workers of this machine. ${MODES[found.mode]}`);
    const table = el("table", { class: "responses" },
      el("caption", { class: "unseen" }, "Recorded responses, the newest first"),
      el("thead", {}, el("tr", {}, HEADS.map((head, at) => el("th", { scope: "col", class: NUMBERS.includes(at) && "number" }, head)))),
      this.body);
    this.frame = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Responses" }, table);
    this.frame.addEventListener("focusout", () => setTimeout(() => this.hasFocus() || this.isPaused || this.release()));
    fill(this.main,
      el("div", { class: "heading" }, el("h1", {}, "Responses"), this.live, this.pause, this.news),
      el("p", { class: "hint" }, MODES[found.mode], ` This machine only.${found.lost ? ` ${plural(found.lost, "change")} could not be written.` : ""} Keys: j and k move, Enter opens, / searches, p pauses.`),
      this.filters(), this.nothing, this.frame, this.pages(found));
    this.slowest = Math.max(1, ...found.data.map((/** @type {any} */ one) => one.marks?.closed ?? 0));
    for (const one of found.data.reverse()) this.put(one);
    this.update();
    document.addEventListener("keydown", (event) => this.onKey(event));
    if (this.query.get("text") || this.isOlder) {
      this.live.textContent = this.isOlder ? "not live: these are older ones" : "not live: a search shows what was there";
      return;
    }
    this.rev = found.rev;
    const stop = follow(found.rev, (one) => this.onChange(one), (isConnected) => this.setState(isConnected));
    addEventListener("pagehide", stop);
  }

  /** @param {boolean} isConnected */
  setState(isConnected) {
    if (!this.live) return;
    this.live.textContent = isConnected ? "live" : "connection lost, trying again";
    this.live.classList.toggle("on", isConnected);
    if (this.wasLost && isConnected) this.compare();
    if (!this.wasLost && !isConnected && !document.hidden) announce("The connection is lost; trying again.");
    this.wasLost = !isConnected;
  }

  /** Take out all rows if the server is another one than before: what they lead to has ended with it. */
  async compare() {
    const found = await read(`recordings?${this.query}`).catch(() => null);
    if (!found || found.rev >= (this.rev ?? 0)) return;
    const hadFocus = this.hasFocus();
    this.rev = found.rev;
    this.rows.clear();
    this.waiting = [];
    this.body?.replaceChildren();
    for (const one of found.data.reverse()) this.put(one);
    this.update();
    if (hadFocus) this.main.focus();
    announce("The server was restarted; its recordings begin anew.");
  }

  /**
   * Return what says how many of all are shown, and leads to the others.
   * @param {any} found
   */
  pages(found) {
    const older = new URLSearchParams(this.query), newest = new URLSearchParams(this.query);
    older.set("before", found.data.at(-1)?.id ?? "");
    newest.delete("before");
    const isSearchCut = found.total === null, hasMore = isSearchCut || found.total > found.data.length;
    if (!hasMore && !this.isOlder) return null;
    return el("p", { class: "pages" },
      el("span", { class: "hint" }, isSearchCut
        ? `${plural(found.data.length, "response")}; the search ended before all had been read.`
        : `${plural(found.data.length, "response")} of ${count(found.total)}${this.isOlder ? " older ones" : ""}.`),
      hasMore && found.data.length > 0 && el("a", { href: `/inspector?${older}` }, "Older"), this.isOlder && el("a", { href: `/inspector?${newest}` }, "Newest"));
  }

  isChosen() {
    return [...this.query].some(([name, value]) => value && name !== "before" && name !== "limit");
  }

  filters() {
    const field = (/** @type {string} */ name, /** @type {string} */ label, /** @type {object} */ more = {}) =>
      el("label", {}, label, el("input", { name, value: this.query.get(name), ...more }));
    const box = (/** @type {string} */ name, /** @type {string} */ label) =>
      el("label", { class: "box" }, el("input", { name, type: "checkbox", value: "1", checked: this.query.has(name) }), label);
    const status = el("select", { name: "status" }, ["", "in_progress", "completed", "incomplete", "failed", "cancelled", "rejected", "lost"].map(
      (value) => el("option", { value, selected: value === (this.query.get("status") ?? "") }, value || "any")));
    const chosen = this.isChosen();
    const form = el("form", { class: "filters", role: "search" },
      field("text", "Text", { type: "search", size: 18 }), el("label", {}, "Status", status), field("model", "Model", { size: 14 }),
      field("upstream", "Upstream", { size: 10 }), field("key", "Key", { size: 10 }),
      field("slower", "Slower than (ms)", { inputmode: "numeric", pattern: "[0-9]*", size: 6 }),
      box("notes", "with notes"), box("errors", "with errors"), box("retried", "several attempts"),
      el("button", { class: "small" }, "Filter"), chosen && el("a", { href: "/inspector" }, "Clear"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const query = new URLSearchParams();
      for (const [name, value] of new FormData(/** @type {HTMLFormElement} */ (form))) if (value) query.set(name, String(value));
      location.assign(`/inspector?${query}`);
    });
    const open = chosen || innerWidth >= 900;
    return el("details", { class: "filter-box", open }, el("summary", {}, "Filters"), form);
  }

  /** @param {any} one */
  matches(one) {
    const is = (/** @type {string} */ name) => !this.query.get(name) || one[name] === this.query.get(name);
    const upstream = this.query.get("upstream");
    return is("status") && is("model") && is("key") && is("conversation")
      && (!upstream || (one.attempts ?? []).some((/** @type {any} */ attempt) => attempt.upstream === upstream))
      && (!this.query.has("notes") || (one.notes ?? []).length > 0)
      && (!this.query.has("errors") || Boolean(one.error))
      && (!this.query.has("retried") || (one.attempts ?? []).length > 1)
      && (!this.query.get("slower") || (one.marks?.closed ?? 0) >= Number(this.query.get("slower")));
  }

  hasFocus() {
    return this.body?.contains(document.activeElement) ?? false;
  }

  /** @param {any} one */
  onChange(one) {
    this.rev = Math.max(this.rev ?? 0, one.rev);
    if (!this.matches(one)) {
      this.drop(one.id);
      return;
    }
    const waits = this.isPaused || (this.hasFocus() && !this.rows.has(one.id));
    if (waits) {
      this.waiting = [...this.waiting.filter((other) => other.id !== one.id), one].slice(-MAX_ROWS);
      if (this.news) {
        this.news.hidden = false;
        this.news.textContent = `${this.waiting.length} new`;
      }
      return;
    }
    this.put(one);
    this.update();
  }

  /** Show what waits, on demand: the button that asks for it goes, so the list gets the focus. */
  showWaiting() {
    this.release();
    this.frame?.focus();
  }

  release() {
    const waiting = this.waiting;
    this.waiting = [];
    for (const one of waiting) this.put(one);
    if (waiting.length) announce(plural(waiting.length, "new response"));
    if (this.news) this.news.hidden = true;
    this.update();
  }

  /**
   * Take out a row that the filters no longer choose; one that has the focus stays, with what it was.
   * @param {string} id
   */
  drop(id) {
    this.waiting = this.waiting.filter((other) => other.id !== id);
    const row = this.rows.get(id);
    if (!row || this.isPaused || row.contains(document.activeElement)) return;
    row.remove();
    this.rows.delete(id);
    this.update();
  }

  togglePause() {
    this.isPaused = !this.isPaused;
    this.pause?.classList.toggle("paused", this.isPaused);
    if (this.pause) this.pause.textContent = this.isPaused ? "Go on" : "Pause";
    if (!this.isPaused) this.release();
  }

  /** @param {any} one */
  put(one) {
    this.slowest = Math.max(this.slowest * 0.999, one.marks?.closed ?? 0);
    const row = this.row(one);
    const old = this.rows.get(one.id);
    if (old) {
      const hadFocus = old.contains(document.activeElement);
      old.replaceWith(row);
      if (hadFocus) row.querySelector("a")?.focus();
    } else {
      this.body?.prepend(row);
    }
    this.rows.set(one.id, row);
    while (this.rows.size > MAX_ROWS) {
      const [id, last] = /** @type {[string, HTMLElement]} */ (this.rows.entries().next().value);
      last.remove();
      this.rows.delete(id);
    }
  }

  update() {
    if (this.nothing) this.nothing.hidden = this.rows.size > 0;
    if (this.frame) this.frame.hidden = this.rows.size === 0;
  }

  /** @param {any} one */
  row(one) {
    const attempts = one.attempts ?? [], last = attempts.at(-1), notes = one.notes ?? [], usage = one.usage;
    const total = one.marks?.closed;
    const bar = el("span", { class: "bar-of", "aria-hidden": "true" });
    bar.style.setProperty("--share", String(Math.min(1, (total ?? 0) / this.slowest)));
    const cells = [
      el("a", { href: `/inspector/r/${one.id}`, title: visible(one.response_id ?? one.id) }, clock(one.at)),
      el("span", { class: `status ${one.status}` }, one.status.replace("_", " "), one.http && one.http !== 200 ? ` ${one.http}` : ""),
      one.model ? el("span", { title: visible(one.model) }, one.model) : "–",
      last ? [last.upstream, last.model !== one.model ? el("span", { class: "there" }, ` as ${visible(last.model)}`) : null] : "–",
      one.key ?? "–",
      milliseconds(one.marks?.["first token"]),
      [milliseconds(total), bar],
      count(usage?.input_tokens), count(usage?.input_tokens_details?.cached_tokens || undefined), count(usage?.output_tokens),
      notes.length ? el("span", { class: "notes", title: visible(actions(notes)) }, notes.length + (one.more_notes ?? 0)) : "",
      attempts.length > 1 ? attempts.length : "",
      one.replay_of ? "replay" : one.transport ?? "http",
    ];
    return el("tr", {}, cells.map((cell, at) => el(at ? "td" : "th", { scope: at ? null : "row", class: NUMBERS.includes(at) && "number" }, cell)));
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || /** @type {Element} */ (event.target).closest("input, select, textarea")) return;
    const links = [...(this.body?.querySelectorAll("a") ?? [])];
    const at = links.indexOf(/** @type {HTMLAnchorElement} */ (document.activeElement));
    if (event.key === "j" || event.key === "k") {
      event.preventDefault();
      links[at < 0 ? 0 : Math.max(0, Math.min(links.length - 1, at + (event.key === "j" ? 1 : -1)))]?.focus();
    } else if (event.key === "/") {
      event.preventDefault();
      /** @type {HTMLDetailsElement} */ (this.main.querySelector(".filter-box")).open = true;
      /** @type {HTMLInputElement} */ (this.main.querySelector("[name=text]")).focus();
    } else if (event.key === "p") {
      this.togglePause();
    }
  }
}

/** @param {any[]} notes */
function actions(notes) {
  const numbers = new Map();
  for (const note of notes) numbers.set(note.action, (numbers.get(note.action) ?? 0) + 1);
  return [...numbers].map(([action, number]) => `${number} ${action}`).join(", ");
}
