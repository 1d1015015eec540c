/** The page: which view, which namespace, which key. */

import { api, key } from "./api.js";
import { askKey } from "./dialogs.js";
import { count, fill, h } from "./dom.js";
import { memoriesView } from "./memories.js";
import { address, go, here } from "./place.js";
import { searchView } from "./search.js";
import { timelineView } from "./timeline.js";

const main = document.getElementById("main");
const chooser = document.getElementById("namespace");
const keyButton = document.getElementById("key");
const VIEWS = { search: searchView, memories: memoriesView, timeline: timelineView };
const NAMES = { search: "Search", memories: "Memories", timeline: "Timeline" };

function show() {
  const place = here();
  document.title = `${place.view === "search" && place.question ? place.question : NAMES[place.view]} · hippomem`;
  for (const link of document.querySelectorAll("[data-view]")) {
    link.href = address({ view: link.dataset.view });
    if (link.dataset.view === place.view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const open of document.querySelectorAll("dialog")) open.close();
  keyButton.textContent = key.get() ? "API key ✓" : "API key";
  select(place.namespace);
  VIEWS[place.view](main, place, refused);
  stats(place.namespace);
}

async function refused(error) {
  const changed = await askKey(key.get() ? error.message : "This server asks for an API key.");
  if (changed) renew();
}

function select(name) {
  if (![...chooser.options].some((option) => option.value === name)) chooser.append(h("option", { value: name }, name));
  chooser.value = name;
}

async function namespaces() {
  try {
    const { namespaces: names } = await api.namespaces();
    const { namespace } = here();
    fill(chooser, ...[...new Set([...names, namespace])].sort().map((name) => h("option", { value: name }, name)));
    chooser.value = namespace;
  } catch {
    // The view that is shown meets the same refusal, and says so.
  }
}

async function stats(namespace) {
  const line = document.getElementById("stats");
  try {
    const { memories, facts, entities } = await api.stats(namespace);
    line.textContent = [count(memories, "memory", "memories"), count(facts, "fact"), count(entities, "name")].join(" · ");
  } catch {
    line.textContent = "";
  }
}

function renew() {
  namespaces();
  show();
}

chooser.addEventListener("change", () => go({ namespace: chooser.value, where: {} }));
keyButton.addEventListener("click", async () => (await askKey()) && renew());
addEventListener("hashchange", show);

const typing = (element) => element.closest?.("input, select, textarea, dialog");
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "/") {
    event.preventDefault();
    const field = document.getElementById("question");
    if (field) field.select();
    else go({ view: "search" });
  } else if (event.key === "j" || event.key === "k") {
    const cards = [...document.querySelectorAll(".hit, .memory-row")];
    const at = cards.findIndex((card) => card.contains(document.activeElement));
    const next = cards[Math.min(cards.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))];
    next?.setAttribute("tabindex", "-1");
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }
});

renew();
