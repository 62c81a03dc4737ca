// Puts parts of the page that have changed in place of those that are there.
"use strict";
const page = document.querySelector("[data-events]");
const offline = document.getElementById("offline");

function replace(id, markup) {
  const part = document.getElementById(id);
  if (!part) return;
  const open = [...part.querySelectorAll("details[open]")].map((one) => one.id);
  const inside = document.activeElement;
  const focused = part.contains(inside) && inside.id;
  const across = part.querySelector(".scroll")?.scrollLeft;
  part.innerHTML = markup;
  for (const one of open) document.getElementById(one)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (across) part.querySelector(".scroll")?.scrollTo(across, 0);
}

if (page && page.dataset.events) {
  const source = new EventSource(page.dataset.events);
  source.addEventListener("parts", (event) => {
    for (const [id, markup] of Object.entries(JSON.parse(event.data))) replace(id, markup);
  });
  source.onopen = () => { offline.hidden = true; };
  source.onerror = () => { offline.hidden = false; };
}
