/** The search view: the question, the passages, the graph of the answer, and the answer in time. */

import { api } from "./api.js";
import { forget, openMemory } from "./dialogs.js";
import { announce, count, failure, fill, h, moment, notice, waiting } from "./dom.js";
import { graphFigure } from "./drawing.js";
import { filters } from "./filters.js";
import { hitCard } from "./hit.js";
import { go } from "./place.js";
import { timelineFigure } from "./timeline_figure.js";

/** The last answer, for the timeline view. */
export let answered = null;
let running = null;

/** Fills `main`. refused: called with an error of status 401. */
export function searchView(main, place, refused) {
  const field = h("input", { id: "question", type: "search", name: "q", placeholder: "Ask, or name something", autocomplete: "off", maxlength: "2000", value: place.question, "aria-label": "Question", enterkeyhint: "search" });
  const form = h("form", { class: "ask-form", role: "search" }, field, h("button", { type: "submit", class: "primary" }, "Search"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const question = field.value.trim();
    if (question) go({ question });
    else field.focus();
  });
  const results = h("section", { class: "results", "aria-label": "Results" });
  fill(main, h("div", { class: "asking" }, form, filters()), results);
  running?.abort();
  if (!place.question) {
    results.append(welcome(place));
    field.focus();
    return;
  }
  const control = new AbortController();
  running = control;
  const ask = async () => {
    const late = setTimeout(() => {
      fill(results, waiting(4));
      results.setAttribute("aria-busy", "true");
    }, 150); // an answer that comes at once should not flicker
    try {
      const body = { namespace: place.namespace, query: place.question, k: 10, explain: true };
      if (Object.keys(place.where).length) body.where = place.where;
      const result = await api.search(body, control.signal);
      answered = { namespace: place.namespace, result };
      show(results, result, ask);
    } catch (error) {
      if (error.name === "AbortError") return;
      // A namespace comes into being with its first memory; until then it is empty, not broken.
      fill(results, error.status === 404 ? notice("Nothing is remembered here yet", error.message) : failure(error, ask));
      if (error.status === 401) refused(error);
    } finally {
      clearTimeout(late);
      if (running === control) results.removeAttribute("aria-busy");
    }
  };
  ask();
}

function welcome(place) {
  return notice(
    place.namespace === "default" ? "Search this memory" : `Search ${place.namespace}`,
    "A question is answered with the passages that a walk over names and facts leads to, each with the path to it.",
    h("p", { class: "small" }, h("mark", { class: "word" }, "Words of the question"), ", ", h("mark", { class: "seed" }, "names the walk starts from"), " and ", h("mark", { class: "path" }, "names on its path"), " are marked."),
  );
}

function show(results, result, again) {
  const { hits } = result;
  if (!hits.length) {
    fill(results, notice("Nothing matches", result.note || "No memory in this namespace, under these filters, has to do with the question."));
    announce("No passages");
    return;
  }
  const stages = Object.entries(result.seconds).map(([stage, seconds]) => [stage, seconds * 1000]);
  const milliseconds = stages.reduce((sum, [, one]) => sum + one, 0);
  const told = `${count(hits.length, "passage")} in ${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
  const spent = stages.map(([stage, one]) => `${stage} ${one.toFixed(1)} ms`).join("\n");
  const actions = {
    open: (id) => openMemory(id, { afterForget: again }),
    forget: async (hit) => (await forget(hit.memory_id, hit.title, hit.text)) && again(),
  };
  // Where the graph stands below the passages, a way to it.
  const jump = h("button", { type: "button", class: "link jump", on: { click: () => side.scrollIntoView({ block: "start" }) } }, "Graph of the answer");
  const list = h("div", { class: "hits" }, h("p", { class: "told small" }, h("span", { title: spent }, told), result.note && h("span", { class: "note" }, result.note), jump));
  const cards = hits.map((hit) => hitCard(hit, result, actions));
  list.append(...cards);

  const choose = (passageId) => {
    const card = cards.find((one) => one.dataset.passage === passageId);
    card?.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth", block: "center" });
    card?.focus({ preventScroll: true });
  };
  const graph = graphFigure(result, choose);
  for (const card of cards) {
    const stand = (on) => () => graph.emphasise(on ? Number(card.dataset.rank) : null);
    for (const [event, on] of [["mouseenter", true], ["mouseleave", false], ["focusin", true], ["focusout", false]]) card.addEventListener(event, stand(on));
  }
  const dated = hits.some((hit) => moment(hit.occurred_at));
  const side = h(
    "div",
    { class: "side" },
    h("section", { class: "panel", "aria-label": "How the answer was reached" }, h("h2", null, "How the answer was reached"), legend(), graph),
    dated && h("section", { class: "panel", "aria-label": "The answer in time" }, h("h2", null, "The answer in time"), timelineFigure([], hits, { open: choose, tall: false })),
  );
  fill(results, list, side);
  announce(told);
}

function legend() {
  const item = (kind, text) => h("li", null, h("i", { class: kind }), text);
  return h("ul", { class: "legend" }, item("seed", "seed"), item("path", "name"), item("fact", "fact"), item("passage", "passage"));
}
