/** The memories view: what is stored, newest first, page by page. */

import { api } from "./api.js";
import { chips } from "./chips.js";
import { forget, openMemory } from "./dialogs.js";
import { announce, count, cut, failure, fill, h, notice, waiting } from "./dom.js";
import { filters } from "./filters.js";

const PAGE = 50;

/** Fills `main`. refused: called with an error of status 401. */
export function memoriesView(main, place, refused) {
  const told = h("span", { class: "small" });
  const list = h("div", { class: "memories" }, waiting(5));
  const foot = h("div", { class: "more" });
  fill(main, h("div", { class: "heading" }, h("h1", null, "Memories"), told), filters(), list, foot);
  let shown = 0;
  let total = 0;

  const tell = () => {
    told.textContent = total > shown ? `${shown.toLocaleString()} of ${count(total, "memory", "memories")}, newest first` : `${count(total, "memory", "memories")}, newest first`;
    if (!total) fill(list, nothing(place));
  };
  const page = async (after) => {
    foot.replaceChildren();
    try {
      const answer = await api.memories({ namespace: place.namespace, limit: PAGE, newest_first: true, after, ...place.where });
      if (!list.isConnected) return;
      if (!after) list.replaceChildren();
      total = answer.total;
      shown += answer.memories.length;
      list.append(...answer.memories.map((record) => row(record, gone)));
      tell();
      if (after) announce(`${answer.memories.length} more`);
      if (answer.next) foot.append(h("button", { type: "button", on: { click: () => page(answer.next) } }, "Show more"));
    } catch (error) {
      if (error.status === 401) refused(error);
      // A namespace comes into being with its first memory; until then it is empty, not broken.
      if (error.status === 404 && !after) tell();
      else fill(after ? foot : list, failure(error, () => page(after)));
    }
  };
  const gone = (memoryId) => {
    const element = list.querySelector(`[data-memory="${CSS.escape(memoryId)}"]`);
    const next = element?.nextElementSibling ?? element?.previousElementSibling;
    element?.remove();
    total -= 1;
    shown -= 1;
    tell();
    next?.querySelector("button")?.focus();
  };
  page();
}

function row(record, gone) {
  const open = () => openMemory(record.memory_id, { afterForget: gone });
  const remove = async () => (await forget(record.memory_id, record.title, record.text)) && gone(record.memory_id);
  const waits = record.states.some((state) => state === "pending");
  return h(
    "article",
    { class: `memory-row${record.superseded_by ? " old" : ""}`, data: { memory: record.memory_id } },
    h(
      "header",
      null,
      h("h3", { dir: "auto" }, h("button", { type: "button", class: "title", on: { click: open } }, record.title || cut(record.text, 60))),
      h("div", { class: "does" }, h("button", { type: "button", class: "quiet", "aria-label": `History of ${record.title || cut(record.text, 40)}`, on: { click: open } }, "History"), h("button", { type: "button", class: "quiet danger", "aria-label": `Forget ${record.title || cut(record.text, 40)}`, on: { click: remove } }, "Forget…")),
    ),
    record.superseded_by && h("p", { class: "superseded" }, "Superseded. ", h("button", { type: "button", class: "link", on: { click: () => openMemory(record.superseded_by, { afterForget: gone }) } }, "Show what says so now")),
    h("p", { class: "text", dir: "auto" }, cut(record.text, 260)),
    chips(record),
    waits && h("p", { class: "small" }, "Stored, not indexed yet."),
  );
}

function nothing(place) {
  if (Object.keys(place.where).length) return notice("No memory passes these filters", null);
  return notice("Nothing is remembered here yet", "Add a first memory with the API or the command line:", h("pre", null, h("code", null, "hippomem index corpus.jsonl --store notes.hippo")));
}
