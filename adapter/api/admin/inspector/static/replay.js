// @ts-check
// A recorded request once more, for another upstream, model or dialect.

import { read, send } from "./api.js";
import { announce, el, empty, fill, visible } from "./dom.js";
import { parse } from "./json.js";
import { Tree } from "./tree.js";

/** @param {any} one */
export function replayForm(one) {
  const result = el("div", { class: "replay-result" });
  const details = el("details", { class: "replay" }, el("summary", {}, "Replay"));
  if (!one.recorded.request || one.transport === "forwarded") {
    details.append(empty("This request cannot be replayed.", one.transport === "forwarded" ? "It was forwarded, not translated." : one.contents));
    return el("section", { "aria-label": "Replay" }, details);
  }
  const last = one.attempts?.at(-1);
  const upstream = el("select", { name: "upstream" });
  const dialect = el("select", { name: "dialect" });
  const model = /** @type {HTMLInputElement} */ (el("input", { name: "model", placeholder: visible(last?.model ?? one.model), size: 20 }));
  const form = el("form", { class: "filters" },
    el("label", {}, "Upstream", upstream), el("label", {}, "Model there", model), el("label", {}, "Dialect", dialect),
    el("button", { class: "main", value: "translate" }, "Translate only"),
    el("button", { value: "send" }, "Send"));
  let isBusy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isBusy) return; // an answer that is sent for twice is paid for twice
    isBusy = true;
    const value = (/** @type {HTMLElement} */ field) => /** @type {HTMLInputElement} */ (field).value.trim() || null;
    const sends = /** @type {HTMLButtonElement} */ (/** @type {SubmitEvent} */ (event).submitter)?.value === "send";
    fill(result, el("p", { class: "hint" }, sends ? "Waiting for the answer …" : "Translating …"));
    try {
      const found = await send("replay", { id: one.id, upstream: value(upstream), model: value(model), dialect: value(dialect), send: sends });
      fill(result, sends ? sent(found) : translated(found, one));
    } catch (error) {
      fill(result, el("p", { class: "problem" }, /** @type {Error} */ (error).message));
    }
    isBusy = false;
    announce(result.querySelector("p")?.textContent ?? "");
  });
  details.append(el("p", { class: "hint" }, "Translate only asks no provider. Send asks one, which may charge for it; the answer is neither stored nor seen by the caller. Tools that the server runs are run again."), form, result);
  details.addEventListener("toggle", async () => {
    if (upstream.childElementCount || !details.hasAttribute("open")) return;
    let data, presets;
    try {
      ({ data, presets } = await read("upstreams"));
    } catch (error) {
      fill(result, el("p", { class: "problem" }, /** @type {Error} */ (error).message));
      return;
    }
    fill(upstream, el("option", { value: "" }, `as before${last ? ` (${visible(last.upstream)})` : ""}`), data.map((/** @type {any} */ each) => el("option", { value: each.name }, each.name)));
    fill(dialect, el("option", { value: "" }, "the upstream's own"), presets.map((/** @type {string} */ name) => el("option", { value: name }, name)));
  });
  return el("section", { "aria-label": "Replay" }, details);
}

/**
 * @param {any} found
 * @param {any} one
 */
function translated(found, one) {
  const before = one.recorded.chats.find((/** @type {any} */ chat) => chat.attempt === found.attempt)?.text;
  const then = new Set(one.attempts?.[found.attempt]?.lessons), now = new Set(found.lessons);
  const learned = [...now].filter((lesson) => !then.has(lesson)), forgotten = [...then].filter((lesson) => !now.has(lesson));
  const tree = (/** @type {string} */ text, /** @type {string} */ label) => new Tree(parse(text) ?? text, label).element;
  return [
    el("p", {}, `For ${visible(found.upstream)}, ${visible(found.model)}, dialect ${visible(found.dialect)}: `,
      el("strong", {}, before === undefined ? "there is no recorded chat request to compare" : found.chat === before ? "equal to the recorded chat request, byte for byte" : "not equal to the recorded chat request"),
      before !== undefined && learned.length > 0 && `. With lessons that it had not learned: ${learned.join(", ")}`,
      before !== undefined && forgotten.length > 0 && `. Without lessons that it had learned: ${forgotten.join(", ")}`),
    found.notes.length > 0 && el("ul", {}, found.notes.map((/** @type {any} */ note) => el("li", {}, `${note.action} `, el("code", {}, note.param), ` ${note.reason}`))),
    el("div", { class: "pair" },
      el("div", {}, el("h3", {}, "Recorded"), before === undefined ? empty("None.") : tree(before, "Recorded chat request")),
      el("div", {}, el("h3", {}, "Now"), tree(found.chat, "Chat request now"))),
  ];
}

/** @param {any} found */
function sent(found) {
  return [
    found.error ? el("p", { class: "problem" }, found.error.message) : el("p", {}, `It is ${found.response.status}.`),
    el("p", {}, el("a", { href: `/inspector/r/${found.recording}` }, "Its own recording")),
    found.response && new Tree(found.response, "Response").element,
  ];
}
