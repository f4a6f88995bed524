// @ts-check
// The shell: which view the path names, and where else one can go.

import { el, empty, fill } from "./dom.js";
import { showChain, showConversation, showConversations } from "./chains.js";
import { showKeys } from "./keys.js";
import { showList } from "./list.js";
import { showResponse } from "./response.js";
import { showLessons, showSettings, showUpstreams } from "./state.js";

/** @type {[string, string][]} */
const VIEWS = [
  ["", "Responses"], ["conversations", "Conversations"], ["upstreams", "Upstreams"], ["lessons", "Lessons"],
  ["keys", "Keys"], ["settings", "Settings"],
];

/** @type {Record<string, string>} what one of several is called, where the path has an id */
const ONE = { r: "Response", c: "Chain", conversations: "Conversation" };

/** @type {Record<string, (main: HTMLElement, id: string) => Promise<void>>} */
const SHOW = {
  "": showList, r: showResponse, c: showChain, upstreams: showUpstreams, lessons: showLessons, keys: (main) => showKeys(main),
  settings: showSettings,
  conversations: (main, id) => (id ? showConversation(main, id) : showConversations(main)),
};

const [view, ...rest] = location.pathname.replace(/^\/inspector\/?/, "").split("/");
const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const current = view === "r" || view === "c" ? "" : view;

fill(/** @type {HTMLElement} */ (document.getElementById("nav")), el("ul", {}, VIEWS.map(([path, name]) =>
  el("li", {}, el("a", { href: path ? `/inspector/${path}` : "/inspector", "aria-current": path === current && "page" }, name)))));

// Signing out needs a key that was signed in with; the cookie itself no script can read.
fetch("/inspector/api/settings").then((answer) => answer.json()).then((settings) => {
  const key = settings.data.find((/** @type {any} */ row) => row.name === "admin_key");
  /** @type {HTMLElement} */ (document.getElementById("sign-out")).hidden = !key?.value;
}).catch(() => {});

const show = (view === "r" || view === "c") && !rest.join("") ? undefined : SHOW[view];
if (show) {
  const title = (rest.length > 0 && ONE[view]) || VIEWS.find(([path]) => path === current)?.[1] || "";
  document.title = `${title} · inspector`;
  try {
    await show(main, decodeURIComponent(rest.join("/")));
  } catch (error) {
    fill(main, el("h1", {}, title), empty("This cannot be shown.", /** @type {Error} */ (error).message));
  }
} else {
  fill(main, el("h1", {}, "Nothing here"), empty("There is no such view.", "Choose one above."));
}
document.body.dataset.ready = "true";
