// @ts-check
// When each step of an exchange began and ended, as bars on one axis; the numbers are there as text, too.

import { el } from "./dom.js";
import { milliseconds } from "./format.js";
import { Portions } from "./portions.js";

const SHOWN = 200; // steps at a time

/**
 * @typedef {{name: string, from: number, to: number, kind: string, detail?: string}} Step
 */

/**
 * Return the steps of a recording, in order.
 * @param {any} one
 * @returns {Step[]}
 */
export function stepsOf(one) {
  const marks = one.marks ?? {}, attempts = one.attempts ?? [];
  const end = marks.closed ?? Math.max(0, ...Object.values(marks), ...attempts.map((/** @type {any} */ each) => each.ended ?? each.answered ?? each.began));
  /** @type {Step[]} */
  const steps = [];
  if (marks.read !== undefined) steps.push({ name: "read", from: 0, to: marks.read, kind: "own" });
  if (marks.translated !== undefined) steps.push({ name: one.transport === "forwarded" ? "route" : "translate", from: marks.read ?? 0, to: marks.translated, kind: "own" });
  for (const [at, attempt] of attempts.entries()) {
    const name = `${at + 1}. ${attempt.upstream}`;
    const sent = attempt.began + (attempt.delay ?? 0);
    if (attempt.delay) steps.push({ name: `${name}: delay`, from: attempt.began, to: sent, kind: "wait" });
    const answered = attempt.answered ?? attempt.ended ?? end;
    const why = [attempt.reason, attempt.lessons?.length ? `lessons: ${attempt.lessons.join(", ")}` : "", attempt.status ? `HTTP ${attempt.status}` : ""];
    steps.push({ name: `${name}: until its status`, from: sent, to: answered, kind: attempt.error ? "failed" : "wait", detail: why.filter(Boolean).join(" · ") });
    if (attempt.answered === undefined) continue;
    const first = attempt.first ?? attempt.answered;
    if (first - attempt.answered > 1) steps.push({ name: `${name}: until its first byte`, from: attempt.answered, to: first, kind: "wait" });
    steps.push({ name: `${name}: answer`, from: first, to: attempt.ended ?? end, kind: attempt.error ? "failed" : "stream" });
  }
  for (const tool of one.tools ?? []) steps.push({ name: `tool ${tool.name}`, from: tool.began, to: tool.ended, kind: "tool", detail: `${tool.kind}: ${tool.outcome}` });
  if (marks.storing !== undefined) steps.push({ name: "store", from: marks.storing, to: marks.stored ?? end, kind: "own" });
  return steps.sort((a, b) => a.from - b.from);
}

/**
 * Return the waterfall of a recording.
 * @param {any} one
 */
export function waterfall(one) {
  const steps = stepsOf(one), first = one.marks?.["first token"];
  const total = Math.max(0.001, one.marks?.closed ?? 0, ...steps.map((step) => step.to));
  const list = el("ol", { class: "waterfall", "aria-label": "What took how long" });
  new Portions(list, steps.length, SHOWN, (at) => {
    const step = steps[at];
    const bar = el("span", { class: `span ${step.kind}`, "aria-hidden": "true" });
    bar.style.setProperty("--from", String(step.from / total));
    bar.style.setProperty("--width", String(Math.max(0, step.to - step.from) / total));
    const track = el("span", { class: "track" }, bar);
    if (first !== undefined) {
      const line = el("span", { class: "first-token", "aria-hidden": "true" });
      line.style.setProperty("--from", String(first / total));
      track.append(line);
    }
    return el("li", {},
      el("span", { class: "step" }, step.name, step.detail ? el("span", { class: "detail" }, ` ${step.detail}`) : null),
      track,
      el("span", { class: "took" }, el("span", { class: "unseen" }, `from ${milliseconds(step.from)}, `), milliseconds(step.to - step.from)));
  }, (button) => el("li", {}, button));
  return el("section", { "aria-labelledby": "waterfall" },
    el("h2", { id: "waterfall" }, "Waterfall"),
    el("p", { class: "hint" }, `${milliseconds(total)} in all`, first === undefined ? "; no token came." : `; first token after ${milliseconds(first)}, at the line.`),
    list);
}
