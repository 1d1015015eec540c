/** Filters: those that are set, each with a way out of it, and a form that sets them. */

import { h } from "./dom.js";
import { address, go, here } from "./place.js";

const FIELDS = [
  ["speaker", "Speaker", "text"],
  ["user", "User", "text"],
  ["session", "Session", "text"],
  ["agent", "Agent", "text"],
  ["since", "Since", "date"],
  ["until", "Until", "date"],
  ["as_of", "As of", "date"],
];
const KINDS = ["semantic", "episodic", "procedural"];
const TITLES = {
  since: "What happened on this day or later",
  until: "What happened on this day or earlier",
  as_of: "As it was known on this day: without what was said or retired later",
};

/** The bar for the top of a view. */
export function filters() {
  const { where } = here();
  const set = Object.entries(where);
  return h("div", { class: "filters" }, set.length > 0 && chosen(where, set), form(where, set.length === 0));
}

function chosen(where, set) {
  const list = h("div", { class: "chips", role: "group", "aria-label": "Filters that are set" }, h("span", { class: "small" }, "Only"));
  for (const [name, value] of set) {
    const { [name]: _, ...others } = where;
    const label = `Drop the filter ${name} ${value}`;
    list.append(h("a", { class: "chip set", href: address({ where: others }), "aria-label": label, title: label }, h("span", null, name.replace("_", " ")), value, h("b", { "aria-hidden": "true" }, "×")));
  }
  return list;
}

function form(where, first) {
  const field = (name, label, type) => {
    const input = h("input", { type, name, id: `filter-${name}`, value: where[name], autocomplete: "off", maxlength: type === "text" ? "200" : null });
    return h("label", { for: `filter-${name}`, title: TITLES[name] }, h("span", null, label), input);
  };
  const option = (kind) => h("option", { value: kind, selected: where.kind === kind }, kind || "any");
  const kinds = h("select", { name: "kind", id: "filter-kind" }, ["", ...KINDS].map(option));
  const fields = h(
    "form",
    { class: "filter-form" },
    FIELDS.map((one) => field(...one)),
    h("label", { for: "filter-kind" }, h("span", null, "Kind"), kinds),
    h("button", { type: "submit" }, "Apply"),
  );
  fields.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = [...new FormData(fields)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value);
    go({ where: Object.fromEntries(given) });
  });
  return h("details", { class: "filter" }, h("summary", null, first ? "Filter" : "Change"), fields);
}
