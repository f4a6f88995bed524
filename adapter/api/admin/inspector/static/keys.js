// @ts-check
// Named keys: what each may use and has used. Those in the store are replaced and revoked here.

import { read, send } from "./api.js";
import { announce, ask, copyButton, el, empty, fill, table, visible } from "./dom.js";
import { count } from "./format.js";

const LIMITS = ["requests_per_minute", "tokens_per_minute", "concurrent"];
const DAYS = 31;
const OVERLAPS = /** @type {[number, string][]} */ ([[7 * 86400, "a week"], [86400, "a day"], [3600, "an hour"], [0, "no longer"]]);

/**
 * @param {HTMLElement} main
 * @param {HTMLElement} [news] what has just been done
 */
export async function showKeys(main, news) {
  const [{ data: keys }, { data: used }] = await Promise.all([read("/keys"), read(`/usage?days=${DAYS}`)]);
  const last = new Map(used.map((/** @type {any} */ one) => [one.key, one.day])); // the last one of a key wins
  fill(main, el("h1", {}, "Keys"), news ?? null,
    el("p", { class: "hint" }, "The server knows no key itself, only its hash. responses-adapter keys create makes one. Those in the store can be replaced and revoked here, those of the configuration file in the file."),
    keys.length === 0 ? empty("There are no named keys.", "responses-adapter keys create makes one.")
      : table("Named keys", ["Name", "Tenant", "Models", "Limits", "Today", "This month", "Now", "Last used", "Expires", "Contents", "From"],
        keys.map((/** @type {any} */ key) => [
          el("a", { href: `/inspector?key=${encodeURIComponent(key.name)}` }, key.name), key.tenant, key.models.join(", ") || "all", limits(key),
          budget(key.day_tokens, key.tokens_per_day), budget(key.month_tokens, key.tokens_per_month), count(key.in_progress),
          last.get(key.name) ?? "–", key.expires ?? "never", key.inspect === "never" ? "never recorded" : "as set", origin(main, key)])),
    el("h2", {}, `Usage of ${DAYS} days`),
    used.length === 0 ? empty("No named key has used anything.")
      : table("Usage of named keys", ["Key", "Upstream", "Model", "Responses", "Failed", "Tokens in", "cached", "out", "reasoning"], sums(used)));
}

/** @param {any} key */
function limits(key) {
  const found = LIMITS.filter((name) => key[name]).map((name) => `${count(key[name])} ${name.replaceAll("_", " ")}`);
  return [found.join(", ") || "none", ...(key.admin ? ["may use the admin address"] : [])].join(" · ");
}

/**
 * @param {number} used
 * @param {number | null} limit
 */
function budget(used, limit) {
  return limit ? [`${count(used)} of ${count(limit)} tokens`, el("meter", { max: limit, high: limit * 0.9, value: used, "aria-hidden": "true" })] : `${count(used)} tokens`;
}

/** @param {any[]} used */
function sums(used) {
  const numbers = ["responses", "failed", "input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens"];
  /** @type {Map<string, any>} */
  const found = new Map();
  for (const one of used) {
    const place = JSON.stringify([one.key, one.upstream, one.model]);
    const sum = found.get(place) ?? { ...one, ...Object.fromEntries(numbers.map((name) => [name, 0])) };
    for (const name of numbers) sum[name] += one[name];
    found.set(place, sum);
  }
  return [...found.values()].sort((a, b) => a.key.localeCompare(b.key) || b.responses - a.responses)
    .map((one) => [one.key, one.upstream, one.model, ...numbers.map((name) => count(one[name]))]);
}

/**
 * Return where a key is; with what can be done to it there.
 * @param {HTMLElement} main
 * @param {any} key
 */
function origin(main, key) {
  if (!key.in_store) return "configuration";
  return ["store", key.hashes > 1 && `, ${key.hashes} are accepted`, el("span", { class: "actions" },
    el("button", { class: "small", type: "button", "aria-label": `Replace ${key.name}`, onclick: () => replace(main, key) }, "Replace"),
    el("button", { class: "small danger", type: "button", "aria-label": `Revoke ${key.name}`, onclick: () => revoke(main, key) }, "Revoke"))];
}

/**
 * @param {HTMLElement} main
 * @param {any} key
 */
async function replace(main, key) {
  const answer = await ask(`Replace the key ${key.name}?`, "Replace",
    el("p", {}, "The new one reads what the old one has stored, and has its limits. It is shown once."),
    el("label", {}, "The old one is accepted for ", el("select", { name: "overlap" }, OVERLAPS.map(([seconds, name]) => el("option", { value: seconds }, name)))));
  if (answer === null) return;
  await change(main, `keys/${encodeURIComponent(key.name)}/rotate`, "POST", { overlap_seconds: Number(answer.get("overlap")) }, (made) =>
    el("div", { class: "made" }, el("h2", {}, `The new key of ${visible(key.name)}`),
      el("p", {}, el("code", { tabindex: 0 }, made.key), " ", copyButton("copy", () => made.key, "Copy the new key")),
      el("p", { class: "hint" }, "This is the only time that it is shown.")));
}

/**
 * @param {HTMLElement} main
 * @param {any} key
 */
async function revoke(main, key) {
  const answer = await ask(`Revoke the key ${key.name}?`, "Revoke",
    el("p", {}, "Every worker and machine refuses it within seconds. Responses in progress end as they would have. What it has stored stays."));
  if (answer !== null) await change(main, `keys/${encodeURIComponent(key.name)}`, "DELETE", {}, () => el("p", { class: "made" }, `The key ${visible(key.name)} is revoked.`));
}

/**
 * @param {HTMLElement} main
 * @param {string} path
 * @param {string} method
 * @param {object} body
 * @param {(found: any) => HTMLElement} describe
 */
async function change(main, path, method, body, describe) {
  let news;
  try {
    news = describe(await send(`/${path}`, body, method));
  } catch (error) {
    news = el("p", { class: "problem" }, /** @type {Error} */ (error).message);
  }
  try {
    await showKeys(main, news);
  } catch (error) { // the text of a new key is in no other place
    fill(main, el("h1", {}, "Keys"), news, el("p", { class: "problem", role: "alert" }, /** @type {Error} */ (error).message));
  }
  announce((news.querySelector("h2") ?? news).textContent ?? ""); // not the key, which is read only if it is wanted
  main.focus();
}
