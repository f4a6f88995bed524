// @ts-check
// Upstreams, lessons and settings.

import { read } from "./api.js";
import { announce, ask, el, empty, fill, renew, table, visible } from "./dom.js";
import { clock, count, dateAndTime, milliseconds, plural } from "./format.js";

const REFRESH_MS = 3000;

/** @param {HTMLElement} main */
export async function showUpstreams(main) {
  let [upstreams, failures] = tables(await read("upstreams"));
  fill(main, el("h1", {}, "Upstreams"),
    el("p", { class: "hint" }, "Calls are those of recorded responses. Each worker has its own circuit breaker: after three failures in a row an upstream, a model or a key gets a cooldown, if there is another one to ask."),
    upstreams, el("h2", {}, "Failures that no success has followed"), failures);
  setInterval(async () => {
    if (document.hidden || !getSelection()?.isCollapsed) return; // what is being copied stays
    const found = await read("upstreams").catch(() => null);
    if (found === null) return;
    const [newer, also] = tables(found);
    upstreams = renew(upstreams, newer);
    failures = renew(failures, also);
  }, REFRESH_MS);
}

/**
 * Return the table of the upstreams, and that of their failures.
 * @param {any} found
 * @returns {[Element, Element]}
 */
function tables({ data, workers }) {
  const failures = workers.flatMap((/** @type {any} */ one) => one.failures.map((/** @type {any} */ failure) => ({ ...failure, worker: one.worker })));
  return [
    table("Upstreams", ["Name", "State", "Calls", "Failed", "Status after (p50)", "p95", "Last calls", "Dialect", "URL"], data.map((/** @type {any} */ one) => [
      el("strong", {}, one.name), state(one, failures.filter((/** @type {any} */ each) => each.upstream === one.name), workers.length),
      count(one.calls), count(one.failed), milliseconds(one.p50), milliseconds(one.p95), outcomes(one.outcomes), one.dialect, el("code", {}, one.url)])),
    failures.length === 0 ? empty("None.") : table("Failures that no success has followed",
      ["Worker", "Upstream", "Model there", "Key", "Failures in a row", "Cooldown"], failures.map((/** @type {any} */ one) => [
        one.worker, one.upstream, one.model ?? "all", one.key ?? (one.model ? "all" : "–"), count(one.failures), one.cooldown ? `${one.cooldown} s` : "none"])),
  ];
}

/**
 * @param {any} one
 * @param {any[]} failures
 * @param {number} workers
 */
function state(one, failures, workers) {
  const cooling = new Set(failures.filter((one) => one.cooldown).map((one) => one.worker)).size;
  if (cooling) return el("span", { class: "status failed" }, `cooldown in ${cooling} of ${workers} workers`);
  return failures.length || one.outcomes[0]?.error ? el("span", { class: "status incomplete" }, "has failed") : el("span", { class: "status completed" }, "ok");
}

/** @param {any[]} list */
function outcomes(list) {
  if (!list.length) return "–";
  const failed = list.filter((one) => one.error).length;
  return el("span", { class: "outcomes", role: "img", "aria-label": `of the last ${list.length}, ${failed} failed` },
    list.map((one) => el("span", { class: one.error ? "bad" : "good", title: `${clock(one.at)} ${one.status || one.error?.cause || ""}` }, one.error ? "✗" : "✓")));
}

/** @param {HTMLElement} main */
export async function showLessons(main) {
  const { data } = await read("lessons");
  const forget = (/** @type {string} */ label, /** @type {string} */ query, /** @type {string} */ what) => {
    const button = el("button", { class: "small danger", type: "button", "aria-label": `Forget ${what}` }, label);
    button.addEventListener("click", async () => {
      if (await ask(`Forget ${what}?`, "Forget", el("p", {}, "The adapter learns again from the next rejection.")) === null) return;
      try {
        const { erased } = await read(`lessons${query}`, { method: "DELETE" });
        await showLessons(main);
        announce(`${plural(erased, "lesson")} forgotten`);
      } catch (error) {
        main.querySelector(":scope > .problem")?.remove();
        main.prepend(el("p", { class: "problem", role: "alert" }, /** @type {Error} */ (error).message));
      }
      main.focus();
    });
    return button;
  };
  fill(main, el("div", { class: "heading" }, el("h1", {}, "Lessons"), data.length > 0 && forget("Forget all", "", "all lessons")),
    el("p", { class: "hint" }, "What providers' rejections have taught; each lesson ends six hours after it was learned."),
    data.length === 0 ? empty("Nothing has been learned.", "Providers have accepted all requests as they were.")
      : table("Lessons", ["Upstream", "Model", "Lesson", "For", "Learned", "Until", "Forget"], data.map((/** @type {any} */ one) => [
        one.upstream, one.model, el("code", {}, one.lesson), one.for_all ? "all tenants" : "one tenant", dateAndTime(one.at), clock(one.until),
        forget("Forget", `?${new URLSearchParams({ upstream: one.upstream, model: one.model, lesson: one.lesson })}`, `${visible(one.lesson)} of ${visible(one.model)}`)])));
}

/** @param {HTMLElement} main */
export async function showSettings(main) {
  const { data } = await read("settings");
  fill(main, el("h1", {}, "Settings"),
    el("p", { class: "hint" }, "As responses-adapter config prints them: secrets are masked."),
    table("Settings in effect", ["Name", "Value", "From"], data.map((/** @type {any} */ row) => [el("code", {}, row.name), row.value || "(unset)", row.source])));
}
