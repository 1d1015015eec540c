/** One ranked passage: its text with the mentions marked, where it comes from, what took its place, and why it is here. */

import { chips } from "./chips.js";
import { h } from "./dom.js";
import { marked, words } from "./marks.js";

const ENOUGH = 700; // characters shown before "Show all"

/** The names to mark in a hit's texts. */
export function namesOf(hit, question) {
  const seeds = (hit.why?.seeds ?? []).filter((seed) => seed.kind === "entity").map((seed) => seed.name);
  const path = (hit.why?.path ?? []).filter((step) => step.kind === "entity").map((step) => step.text);
  return { seeds: new Set(seeds), path: new Set(path.filter((name) => !seeds.includes(name))), asked: words(question) };
}

/** actions: {open(memoryId), forget(hit)}. */
export function hitCard(hit, result, actions) {
  const names = namesOf(hit, result.query);
  const title = hit.title || "Untitled";
  return h(
    "article",
    { class: `hit${hit.superseded_by ? " old" : ""}`, tabindex: "-1", data: { passage: hit.passage_id, memory: hit.memory_id, rank: hit.rank }, "aria-label": `Passage ${hit.rank}: ${title}` },
    h(
      "header",
      null,
      h("span", { class: "rank", "aria-hidden": "true" }, String(hit.rank)),
      h("h3", null, h("button", { type: "button", class: "title", title: "Open this memory", on: { click: () => actions.open(hit.memory_id) } }, hit.title ? marked(hit.title, names) : title)),
      score(hit, result),
    ),
    hit.superseded_by &&
      h("p", { class: "superseded" }, "Superseded: a newer memory says otherwise. ", h("button", { type: "button", class: "link", on: { click: () => actions.open(hit.superseded_by) } }, "Show what says so now")),
    body(hit.text, names),
    chips(hit),
    why(hit, names),
    h("div", { class: "does" }, h("button", { type: "button", class: "quiet", on: { click: () => actions.open(hit.memory_id) } }, "Open"), h("button", { type: "button", class: "quiet danger", on: { click: () => actions.forget(hit) } }, "Forget…")),
  );
}

function score(hit, result) {
  const best = result.hits[0].score;
  const share = best > 0 ? Math.max(0, Math.min(1, hit.score / best)) : 0;
  const meter = h("meter", { min: 0, max: 1, value: share.toFixed(3), "aria-hidden": "true" });
  return h("span", { class: "score", title: "Score; comparable within this answer only" }, meter, hit.score.toFixed(2));
}

function body(text, names) {
  const paragraph = h("p", { class: "text", dir: "auto" });
  const show = (shown) => paragraph.replaceChildren(...marked(shown, names));
  if (text.length <= ENOUGH * 1.3) {
    show(text);
    return paragraph;
  }
  const more = h("button", { type: "button", class: "link" }, "Show all");
  more.addEventListener("click", () => {
    show(text);
    paragraph.closest("article").focus();
  });
  show(`${text.slice(0, text.lastIndexOf(" ", ENOUGH) > 0 ? text.lastIndexOf(" ", ENOUGH) : ENOUGH)}… `);
  paragraph.append(more);
  return paragraph;
}

const SCORES = {
  pagerank: "activation by the walk",
  dense: "likeness of the passage",
  bm25: "words in common",
  fact: "likeness of its nearest fact",
  chain: "likeness of its best chain of facts",
  title: "title in the question",
  covers: "coverage of the question",
};

function why(hit, names) {
  if (!hit.why) return null;
  const { path = [], facts = [], scores = {}, note } = hit.why;
  const step = ({ kind, text }) => h("li", { class: kind }, h("span", { class: "unseen" }, `${kind}: `), h("span", { dir: "auto" }, marked(text, kind === "entity" ? names : { ...names, asked: new Set() })));
  const number = (value) => (value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(1) : value.toFixed(3));
  const via = path.filter((one) => one.kind === "entity").map((one) => one.text);
  return h(
    "details",
    { class: "why" },
    h("summary", null, "Why", via.length ? h("span", { class: "via" }, via.join(" › ")) : h("span", { class: "via none" }, "found without the graph")),
    note && h("p", { class: "small" }, note),
    path.length > 0 && [h("h4", null, "Path"), h("ol", { class: "path" }, path.map(step))],
    facts.length > 0 && [
      h("h4", null, "Its facts nearest to the question"),
      h("ul", { class: "facts" }, facts.map((fact) => h("li", null, h("span", { dir: "auto" }, marked(fact.text, names)), h("span", { class: "value", title: "cosine" }, fact.score.toFixed(2))))),
    ],
    Object.keys(scores).length > 0 && [
      h("h4", null, "Scores"),
      h("dl", { class: "scores" }, Object.entries(scores).map(([name, value]) => h("div", null, h("dt", null, SCORES[name] ?? name), h("dd", null, number(value))))),
    ],
  );
}
