/** The timeline view: memories by when they happened, and among them the passages of the last answer. */

import { api } from "./api.js";
import { openMemory } from "./dialogs.js";
import { count, cut, failure, fill, h, moment, notice, waiting, when } from "./dom.js";
import { filters } from "./filters.js";
import { here } from "./place.js";
import { answered } from "./search.js";
import { timelineFigure } from "./timeline_figure.js";

const MOST = 1000;
const LISTED = 300;

/** Fills `main`. refused: called with an error of status 401. */
export function timelineView(main, place, refused) {
  const told = h("span", { class: "small" });
  const content = h("div", null, waiting(3));
  fill(main, h("div", { class: "heading" }, h("h1", null, "Timeline"), told), filters(), content);
  const load = async () => {
    try {
      const answer = await api.memories({ namespace: place.namespace, limit: MOST, newest_first: true, ...place.where });
      if (!content.isConnected) return;
      told.textContent = answer.next ? `the newest ${answer.memories.length.toLocaleString()} of ${count(answer.total, "memory", "memories")}` : count(answer.total, "memory", "memories");
      show(content, answer.memories, load);
    } catch (error) {
      if (error.status === 401) refused(error);
      fill(content, error.status === 404 ? notice("Nothing is remembered here yet", null) : failure(error, load));
    }
  };
  load();
}

function show(content, memories, again) {
  if (!memories.length) {
    fill(content, notice("Nothing to show", "No memory in this namespace passes the filters."));
    return;
  }
  const dated = memories.filter((memory) => moment(memory.occurred_at));
  const undated = memories.length - dated.length;
  // An answer of another namespace has no place here.
  const hits = answered?.namespace === here().namespace ? answered.result.hits : [];
  const listed = new Set(memories.map((memory) => memory.memory_id));
  const answer = hits.filter((hit) => listed.has(hit.memory_id));
  const open = (id) => openMemory(id, { afterForget: again });
  const holder = h("section", { class: "panel", "aria-label": "Timeline" });
  const draw = (byRecord) => fill(holder, timelineFigure(memories, answer, { open, tall: true, byRecord }));

  const box = h("input", { type: "checkbox", id: "by-record", checked: dated.length === 0, on: { change: (event) => draw(event.target.checked) } });
  const lines = [
    undated > 0 && h("label", { class: "check", for: "by-record" }, box, `Put the ${undated === memories.length ? "" : `${undated.toLocaleString()} `}memories without a date where they were recorded`),
    answer.length > 0 && h("p", { class: "small" }, h("i", { class: "dot answer" }), "passages of the last answer, by rank"),
  ];
  const sorted = dated.toSorted((a, b) => moment(b.occurred_at) - moment(a.occurred_at));
  const list = h(
    "details",
    { class: "why" },
    h("summary", null, "The same as a list"),
    h("ol", { class: "dated" }, sorted.slice(0, LISTED).map((memory) => h("li", null, when(memory.occurred_at, "happened"), h("button", { type: "button", class: "link", dir: "auto", on: { click: () => open(memory.memory_id) } }, cut(memory.title ? `${memory.title}: ${memory.text}` : memory.text, 110))))),
    sorted.length > LISTED && h("p", { class: "small" }, `The newest ${LISTED}; filters narrow the rest down.`),
  );
  fill(content, lines, holder, dated.length > 0 && list);
  draw(dated.length === 0);
}
