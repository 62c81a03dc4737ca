// Puts parts of the page that have changed in place of those that are there.
"use strict";
const page = document.querySelector("[data-events]");
const offline = document.getElementById("offline");
const trouble = document.getElementById("trouble");

function replace(id, markup) {
  const part = document.getElementById(id);
  if (!part) return;
  const open = [...part.querySelectorAll("details[open]")].map((one) => one.id);
  const inside = document.activeElement;
  // A list that is being chosen from would close.
  if (part.contains(inside) && inside.tagName === "SELECT") return;
  const chosen = [...part.querySelectorAll("select")].map((one) => [one.id, one.value]);
  const focused = part.contains(inside) && inside.id;
  const across = part.querySelector(".scroll")?.scrollLeft;
  part.innerHTML = markup;
  for (const one of open) document.getElementById(one)?.setAttribute("open", "");
  for (const [name, value] of chosen) {
    const select = document.getElementById(name);
    if ([...(select?.options ?? [])].some((one) => one.value === value)) select.value = value;
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (across) part.querySelector(".scroll")?.scrollTo(across, 0);
}

// A browser has few connections to a server, so a page that nobody sees has none.
let source = null;
let since = page?.dataset.events;

function listen() {
  if (document.hidden || source) return;
  source = new EventSource(since);
  source.addEventListener("parts", (event) => {
    since = `${since.split("?")[0]}?since=${event.lastEventId}`;
    for (const [id, markup] of Object.entries(JSON.parse(event.data))) replace(id, markup);
  });
  source.addEventListener("trouble", (event) => {
    const why = JSON.parse(event.data);
    trouble.textContent = why && `What is shown is not new: ${why}`;
    trouble.hidden = !why;
  });
  source.onopen = () => { offline.hidden = true; trouble.hidden = true; };
  source.onerror = () => { offline.hidden = false; };
}

if (since) {
  listen();
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return listen();
    source?.close();
    source = null;
  });
}
