// The page works without this: it only lets Ctrl+Enter (or Cmd+Enter) run the query, and puts the cursor where it belongs.
"use strict";
const editor = document.querySelector("textarea[name=query]");
if (editor) {
  editor.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      editor.form.requestSubmit();
    }
  });
  editor.form.addEventListener("submit", () => {
    const button = editor.form.querySelector("button");
    button.textContent = "Running…";
    button.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    const button = editor.form.querySelector("button");
    button.textContent = "Run";
    button.removeAttribute("aria-busy");
  });
}
