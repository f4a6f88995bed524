// @ts-check
// Elements from values. Everything that a caller, a model or a provider wrote goes through `visible` into a text node.

/** @typedef {Node | string | number | null | undefined | false} Child */

// Controls, what has no width or turns the direction of text, and selectors that can carry a hidden text. Joiners stay,
// since scripts and emoji need them.
const UNSEEN = /(?![\t\n\r\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u{e0100}-\u{e01ef}]/gu;

/**
 * Return a text in which no character is invisible or turns the direction of others.
 * @param {unknown} text
 */
export function visible(text) {
  const name = (/** @type {string} */ char) => `⟨U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
  return String(text).replace(UNSEEN, name);
}

/**
 * Return a new element. `on…` members are listeners, `class` and others attributes; true is an empty attribute.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  add(made, children);
  return made;
}

/**
 * @param {Node} parent
 * @param {any[]} children
 */
export function add(parent, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(child instanceof Node ? child : document.createTextNode(visible(child)));
  }
}

/**
 * Replace what is in an element.
 * @param {Element} parent
 * @param {...any} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren();
  add(parent, children);
}

/**
 * Give an element the focus, or what in it takes it first: what had it goes.
 * @param {Element} element
 */
export function focusOn(element) {
  const taker = element.matches("a, button, summary, [tabindex]") ? element : element.querySelector("a, button, summary, [tabindex]");
  if (!taker) element.setAttribute("tabindex", "-1");
  /** @type {HTMLElement} */ (taker ?? element).focus();
}

/**
 * Say something to people who do not see the page change.
 * @param {string} text
 */
export function announce(text) {
  const place = document.getElementById("announcer");
  if (place) place.textContent = visible(text);
}

/**
 * Ask before something is done; return what was entered in the question's fields, or null for no.
 * @param {string} question
 * @param {string} action
 * @param {...Child} more
 * @returns {Promise<FormData | null>}
 */
export function ask(question, action, ...more) {
  const form = /** @type {HTMLFormElement} */ (el("form", { method: "dialog" }, el("h2", { id: "question" }, question), more,
    el("div", { class: "choices" }, el("button", { value: "no", autofocus: true }, "Cancel"), el("button", { class: "danger", value: "yes" }, action))));
  const dialog = /** @type {HTMLDialogElement} */ (el("dialog", { "aria-labelledby": "question" }, form));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(dialog.returnValue === "yes" ? new FormData(form) : null);
  }));
}

/**
 * Return a button that copies a text.
 * @param {string} label
 * @param {() => string} text
 * @param {string} [name] what assistive technology calls it; begins with the label
 */
export function copyButton(label, text, name) {
  const button = el("button", { class: "small", type: "button", "aria-label": name }, label);
  button.addEventListener("click", async () => {
    const result = (await copy(text())) ? "copied" : "not copied";
    button.textContent = result;
    announce(result);
    setTimeout(() => (button.textContent = label), 1500);
  });
  return button;
}

/**
 * Return whether a text is in the clipboard now. Pages that came over plain HTTP have no API for it.
 * @param {string} text
 */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const put = (/** @type {ClipboardEvent} */ event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    event.clipboardData?.setData("text/plain", text);
  };
  document.addEventListener("copy", put, { capture: true, once: true });
  const isCopied = document.execCommand("copy");
  document.removeEventListener("copy", put, { capture: true });
  return isCopied;
}

/**
 * Return a table that may scroll by itself.
 * @param {string} caption
 * @param {string[]} heads
 * @param {any[][]} rows
 */
export function table(caption, heads, rows) {
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    el("table", {},
      el("caption", { class: "unseen" }, caption),
      el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell) => el("td", {}, cell)))))));
}

/**
 * Put a newer table, or message, in the place of an older one; return what is there now. A table that stays one keeps
 * the focus, and stays where it has been scrolled to.
 * @param {Element} old
 * @param {Element} newer
 */
export function renew(old, newer) {
  if (old.matches(".scroll") && newer.matches(".scroll")) {
    old.replaceChildren(...newer.childNodes);
    return old;
  }
  const hadFocus = old.contains(document.activeElement);
  old.replaceWith(newer);
  if (hadFocus) focusOn(newer);
  return newer;
}

/**
 * Return a message in the place of what is missing, with its cause.
 * @param {string} what
 * @param {string} [why]
 */
export function empty(what, why) {
  return el("p", { class: "empty" }, el("strong", {}, what), why ? ` ${why}` : "");
}
