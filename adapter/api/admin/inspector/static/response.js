// @ts-check
// One exchange: what came, what went to the provider, what came back, what the client got, and when.

import { read } from "./api.js";
import { Columns } from "./columns.js";
import { announce, copyButton, el, fill, table, visible } from "./dom.js";
import { count, dateAndTime, milliseconds, size } from "./format.js";
import { Portions } from "./portions.js";
import { replayForm } from "./replay.js";
import { longText } from "./tree.js";
import { waterfall } from "./waterfall.js";

const SHOWN = 20; // failed attempts at a time

/**
 * @param {HTMLElement} main
 * @param {string} id
 */
export async function showResponse(main, id) {
  let shown = await read(`recordings/${encodeURIComponent(id)}`);
  render(main, shown);
  document.addEventListener("keydown", (event) => onKey(main, event));
  while (shown.status === "in_progress") {
    await new Promise((done) => setTimeout(done, 1000));
    let now;
    try {
      now = await read(`recordings/${encodeURIComponent(id)}`);
    } catch (error) {
      const { status, message } = /** @type {Error & {status?: number}} */ (error);
      if (status !== 404) continue; // the server may be restarting; what has been read stays
      main.prepend(el("p", { class: "problem", role: "alert" }, message));
      return;
    }
    // What is being read does not change under the reader; the end is shown in any case.
    const isRead = document.activeElement !== main && main.contains(document.activeElement);
    if (now.status === "in_progress" && (isRead || now.rev === shown.rev)) continue;
    const column = [...main.querySelectorAll(".column")].findIndex((one) => one.contains(document.activeElement));
    render(main, (shown = now));
    const place = main.querySelectorAll(".column-body")[column] ?? main;
    if (isRead) /** @type {HTMLElement} */ (place).focus({ preventScroll: true });
    if (now.status !== "in_progress") announce(`The response is ${now.status}.`);
  }
}

/**
 * @param {HTMLElement} main
 * @param {any} one
 */
function render(main, one) {
  const columns = new Columns(one);
  document.title = visible(`${one.model || "no model"}, ${one.status.replace("_", " ")} · inspector`);
  fill(main, heading(one), errors(one), notes(one, columns), waterfall(one), columns.element, usage(one), replayForm(one));
}

/** @param {any} one */
function heading(one) {
  const last = one.attempts?.at(-1);
  const facts = /** @type {[string, any][]} */ ([
    ["Began", dateAndTime(one.at)], ["Key", one.key], ["Path", one.path], ["Via", one.transport ?? "http"], ["Total", milliseconds(one.marks?.closed)],
    ["Answered by", last && `${last.upstream}, ${last.model}${last.key === null || last.key === undefined ? "" : `, key ${last.key}`}`],
    ["Request", size(one.request_bytes)], ["Worker", one.worker], ["Incomplete", one.incomplete],
    ["Response", one.response_id && [el("code", {}, one.response_id), copyButton("copy", () => one.response_id, "Copy the id of the response")]],
    ["Continues", one.previous_response_id && el("code", {}, one.previous_response_id)],
    ["Conversation", one.conversation && el("a", { href: `/inspector/conversations/${encodeURIComponent(one.conversation)}` }, one.conversation)],
    ["Request id", one.request_id && [el("code", {}, one.request_id), copyButton("copy", () => one.request_id, "Copy the request id")]],
    ["Client's request id", one.client_request_id && [el("code", {}, one.client_request_id), copyButton("copy", () => one.client_request_id, "Copy the client's request id")]],
    ["Trace id", one.trace_id && [el("code", {}, one.trace_id), copyButton("copy", () => one.trace_id, "Copy the trace id")]],
    ["Replay of", one.replay_of && el("a", { href: `/inspector/r/${one.replay_of}` }, one.replay_of)],
    ["Contents", one.contents],
    ["Ended", one.status === "lost" && "not recorded: its worker has ended without it"],
  ]).filter(([, value]) => value);
  const curl = () => `curl ${location.protocol}//HOST:PORT${one.path} -H 'Content-Type: application/json' -H "Authorization: Bearer $KEY" -d ${quote(one.recorded.request ?? "")}`;
  return el("div", { class: "response-head" },
    el("div", { class: "heading" },
      el("h1", {}, el("span", { class: `status ${one.status}` }, one.status.replace("_", " "), one.http && one.http !== 200 ? ` ${one.http}` : ""), " ", one.model || "no model"),
      one.response_id && el("a", { class: "button", href: `/inspector/c/${one.response_id}` }, "Chain"),
      one.recorded.request && copyButton("Copy as curl", curl)),
    el("dl", { class: "facts" }, facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))));
}

/**
 * Return a text as one word of a shell, in which no character steers the terminal that it is pasted into.
 * @param {string} text
 */
export function quote(text) {
  if (!/(?![\t\n])\p{Cc}/u.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const escape = (/** @type {string} */ char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return `$'${text.replace(/[\\']/g, "\\$&").replace(/(?![\t\n])[\u0000-\u001f\u007f]/g, escape)}'`;
}

/** @param {any} one */
function errors(one) {
  const failed = (one.attempts ?? []).map((/** @type {any} */ attempt, /** @type {number} */ at) => ({ attempt, at })).filter((/** @type {any} */ each) => each.attempt.error);
  if (!one.error && failed.length === 0) return null;
  const bodies = one.recorded.error_bodies;
  const section = el("section", { "aria-labelledby": "errors" }, el("h2", { id: "errors" }, "Errors"),
    one.error && el("div", { class: "problem" }, el("h3", {}, `As the client got it${one.http >= 400 ? `: HTTP ${one.http}` : ""}`), fields(one.error)));
  new Portions(section, failed.length, SHOWN, (number) => {
    const { attempt, at } = failed[number];
    const body = bodies.find((/** @type {any} */ each) => each.attempt === at)?.text;
    const provider = attempt.error.provider;
    return el("div", { class: "problem" },
      el("h3", {}, `As ${visible(attempt.upstream)} said it, attempt ${at + 1}${attempt.status ? `: HTTP ${attempt.status}` : ""}`),
      fields(provider ?? { message: attempt.error.reason || attempt.error.message }), el("p", { class: "hint" }, `cause: ${visible(attempt.error.cause || "none of the provider's")}`),
      body && el("details", {}, el("summary", {}, "The body of its answer"), el("pre", { tabindex: 0 }, longText(body))));
  });
  return section;
}

/** @param {Record<string, any>} error */
function fields(error) {
  const rest = ["type", "code", "param"].filter((name) => error[name]).map((name) => `${name}: ${error[name]}`);
  return [el("p", {}, error.message ?? ""), rest.length > 0 && el("p", { class: "hint" }, rest.join(" · "))];
}

/**
 * @param {any} one
 * @param {Columns} columns
 */
function notes(one, columns) {
  const list = one.notes ?? [];
  if (list.length === 0) return null;
  return el("section", { "aria-labelledby": "notes" }, el("h2", { id: "notes" }, "Notes"),
    el("p", { class: "hint" }, "What was not done exactly as the request says. Choose one to see its place (n goes to the next).",
      columns.request?.prompt ? " Items of the input are counted behind those of the prompt's file." : ""),
    el("ul", { class: "note-list" }, list.map((/** @type {any} */ note) => {
      const button = el("button", { type: "button", class: "note" },
        el("span", { class: `action ${note.action}` }, note.action), " ", el("code", {}, note.param), " ", note.reason);
      button.addEventListener("click", () => announce(columns.mark(note)));
      return el("li", {}, button);
    })), one.more_notes ? el("p", { class: "hint" }, `and ${count(one.more_notes)} more`) : null);
}

/** @param {any} one */
function usage(one) {
  const used = one.usage;
  if (!used) return null;
  return el("section", { "aria-labelledby": "usage" }, el("h2", { id: "usage" }, "Usage"),
    table("Tokens", ["Input", "of it cached", "Output", "of it reasoning", "Total"], [[
      count(used.input_tokens), count(used.input_tokens_details?.cached_tokens), count(used.output_tokens),
      count(used.output_tokens_details?.reasoning_tokens), count(used.total_tokens)]]));
}

/**
 * @param {HTMLElement} main
 * @param {KeyboardEvent} event
 */
function onKey(main, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || /** @type {Element} */ (event.target).closest("input, select, textarea")) return;
  const columns = main.querySelectorAll(".column");
  if (event.key >= "1" && event.key <= String(columns.length)) {
    /** @type {HTMLElement} */ (columns[Number(event.key) - 1].querySelector(".column-body")).focus();
  } else if (event.key === "n") {
    const all = /** @type {HTMLElement[]} */ ([...main.querySelectorAll("button.note")]);
    const next = all[(all.indexOf(/** @type {HTMLElement} */ (main.querySelector("button.note.chosen"))) + 1) % all.length];
    main.querySelector("button.note.chosen")?.classList.remove("chosen");
    next?.classList.add("chosen");
    next?.click();
  } else if (event.key === "r") {
    /** @type {HTMLElement} */ (main.querySelector(".replay > summary")).focus();
  } else if (event.key === "u") {
    location.assign("/inspector");
  }
}
