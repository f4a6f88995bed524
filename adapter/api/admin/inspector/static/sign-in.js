// @ts-check
// The form works without this; it says that the last key was wrong.
if (location.search === "?wrong") {
  const wrong = /** @type {HTMLElement} */ (document.getElementById("wrong"));
  wrong.hidden = false;
  document.getElementById("key")?.setAttribute("aria-invalid", "true");
}
