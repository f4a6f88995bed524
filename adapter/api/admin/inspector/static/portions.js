// @ts-check
// A long list of which only portions are made, each when it is asked for: whatever its length, a page stays small.

import { el, focusOn } from "./dom.js";
import { count } from "./format.js";

/** @typedef {{from: number, to: number, place: Element, button: HTMLElement}} Gap what is not shown, up to `to` */

export class Portions {
  /**
   * @param {Element} parent gets what is made
   * @param {number} total
   * @param {number} size of a portion
   * @param {(at: number) => Element} make
   * @param {(button: HTMLElement) => Element} [wrap] returns what has the button that shows more
   */
  constructor(parent, total, size, make, wrap = (button) => button) {
    this.parent = parent;
    this.size = size;
    this.make = make;
    this.wrap = wrap;
    /** @type {Map<number, Element>} */
    this.made = new Map();
    /** @type {Gap[]} */
    this.gaps = [];
    if (total > 0) this.show(this.gap(0, total, null), 0);
  }

  /**
   * Return an element, made now if it was not; around it others are made.
   * @param {number} at
   */
  reveal(at) {
    const gap = this.gaps.find(({ from, to }) => from <= at && at < to);
    if (gap) this.show(gap, at - ((at - gap.from) % this.size));
    return this.made.get(at);
  }

  /**
   * @param {number} from
   * @param {number} to
   * @param {Element | null} before
   * @returns {Gap}
   */
  gap(from, to, before) {
    const button = el("button", { class: "small", type: "button" });
    const gap = { from, to, button, place: this.wrap(button) };
    button.addEventListener("click", () => {
      const first = gap.from;
      this.show(gap, first);
      if (!button.isConnected) focusOn(/** @type {Element} */ (this.made.get(first)));
    });
    this.parent.insertBefore(gap.place, before);
    this.gaps.push(gap);
    return gap;
  }

  /**
   * Make a portion of what a gap leaves out.
   * @param {Gap} gap
   * @param {number} from
   */
  show(gap, from) {
    const until = Math.min(gap.to, from + this.size);
    if (from > gap.from) this.label(this.gap(gap.from, from, gap.place));
    for (let at = from; at < until; at++) {
      const element = this.make(at);
      this.made.set(at, element);
      gap.place.before(element);
    }
    gap.from = until;
    if (until < gap.to) {
      this.label(gap);
      return;
    }
    gap.place.remove();
    this.gaps = this.gaps.filter((other) => other !== gap);
  }

  /** @param {Gap} gap */
  label(gap) {
    gap.button.textContent = `${count(gap.to - gap.from)} more`;
  }
}
