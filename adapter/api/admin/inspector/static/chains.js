// @ts-check
// Chains as trees with their forks, and conversations.

import { read } from "./api.js";
import { el, empty, fill, table } from "./dom.js";
import { clock, count, dateAndTime, plural, size } from "./format.js";
import { Tree } from "./tree.js";

/**
 * @param {HTMLElement} main
 * @param {string} id
 */
export async function showChain(main, id) {
  const { data } = await read(`chains/${encodeURIComponent(id)}`);
  const nodes = new Map(data.map((/** @type {any} */ node) => [node.id, node]));
  const children = new Map();
  for (const node of data) {
    const parent = nodes.has(node.previous) ? node.previous : null;
    children.set(parent, [...(children.get(parent) ?? []), node]);
  }
  const line = (/** @type {any} */ node) => {
    const text = [node.model, node.status, node.usage && `${count(node.usage.input_tokens)} + ${count(node.usage.output_tokens)} tokens`,
      node.bytes && `${size(node.bytes)} stored`, node.notes && plural(node.notes, "note"), node.at && clock(node.at)];
    const name = node.recording ? el("a", { href: `/inspector/r/${node.recording}`, "aria-current": node.id === id && "true" }, node.id) : node.id;
    return el("div", { class: node.id === id ? "node here" : "node" }, el("code", {}, name), " ",
      el("span", { class: "hint" }, text.filter(Boolean).join(" · "), node.recording ? "" : node.stored ? " · not recorded" : " · neither recorded nor stored"));
  };
  // A turn stays on the level of the one before it, so that a long chain does not move out of sight; forks are indented.
  const items = (/** @type {any} */ first) => {
    const made = [];
    for (let node = first; node;) {
      const following = children.get(node.id) ?? [];
      const isFork = following.length > 1;
      made.push(el("li", {}, line(node), isFork && el("ul", { class: "forks", "aria-label": `${following.length} forks` },
        following.map((/** @type {any} */ fork) => el("li", {}, el("ul", { class: "chain" }, items(fork)))))));
      node = isFork ? null : following[0];
    }
    return made;
  };
  fill(main, el("h1", {}, "Chain"),
    el("p", { class: "hint" }, `${plural(data.length, "response")}. What a response continues is from the store; forks are shown as far as they are recorded.`),
    (children.get(null) ?? []).map((/** @type {any} */ root) => el("ul", { class: "chain" }, items(root))));
}

/** @param {HTMLElement} main */
export async function showConversations(main) {
  const { data } = await read("conversations");
  fill(main, el("h1", {}, "Conversations"), data.length === 0
    ? empty("No recorded response continues a conversation.", "A request names one by its member conversation.")
    : table("Conversations of recorded responses", ["Id", "Key", "Last used", "Responses", "Now"], data.map((/** @type {any} */ one) => [
      el("a", { href: `/inspector/conversations/${encodeURIComponent(one.id)}` }, one.id), one.key ?? "–", dateAndTime(one.at), count(one.responses),
      one.in_progress ? el("span", { class: "status in_progress" }, "in use") : "free"])));
}

/**
 * @param {HTMLElement} main
 * @param {string} id
 */
export async function showConversation(main, id) {
  const found = await read(`conversations/${encodeURIComponent(id)}`);
  const recorded = new Map(found.responses.map((/** @type {any} */ one) => [one.response_id, one]));
  const adder = (/** @type {any} */ item) => {
    const one = recorded.get(item.added_by);
    return one ? el("span", { class: "hint" }, " added by ", el("a", { href: `/inspector/r/${one.id}` }, one.model || one.id), ` at ${clock(one.at)}`) : null;
  };
  const items = found.items.map((/** @type {any} */ item, /** @type {number} */ at) =>
    el("li", {}, el("code", {}, item.id), adder(item), item.json ? new Tree(item.json, `Item ${at + 1}`).element : null));
  const user = found.responses.find((/** @type {any} */ one) => one.status === "in_progress");
  fill(main, el("h1", {}, "Conversation ", el("code", {}, found.id)),
    el("p", {}, !found.exists ? "It has been deleted." : found.leased_until
      ? [el("strong", {}, "Locked"), ", other requests are refused: ", user ? el("a", { href: `/inspector/r/${user.id}` }, user.model || user.id) : "a response that is not recorded here",
        ` has it until it ends, or until ${clock(found.leased_until)} if its worker has died.`]
      : "Free: the next request can continue it."),
    found.contents !== "shown" && empty("What the items say is not shown.", found.contents),
    el("h2", {}, plural(found.items.length, "item")), el("ol", { class: "items" }, items),
    el("h2", {}, "Recorded responses"),
    table("Responses that continued it", ["Time", "Status", "Model", "Tokens"], found.responses.map((/** @type {any} */ one) => [
      el("a", { href: `/inspector/r/${one.id}` }, clock(one.at)), one.status, one.model,
      one.usage ? `${count(one.usage.input_tokens)} + ${count(one.usage.output_tokens)}` : "–"])));
}
