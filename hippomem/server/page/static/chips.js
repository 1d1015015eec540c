/** Where a memory comes from, as chips: date, speaker, user, session, agent, kind. A chip filters by what it says. */

import { h, recorded, when } from "./dom.js";
import { address, here } from "./place.js";

const SHOWN = ["speaker", "user", "session", "agent"];

/** Chips of a hit or a record; equal values of several sources are one chip. */
export function chips({ occurred_at, recorded_at, sources = [], source_ids }) {
  const list = h("div", { class: "chips" });
  if (occurred_at) list.append(when(occurred_at, "happened"));
  const seen = new Set();
  const add = (name, value) => {
    if (!value || seen.has(`${name} ${value}`)) return;
    seen.add(`${name} ${value}`);
    const where = { ...here().where, [name]: value };
    list.append(h("a", { class: `chip ${name}`, href: address({ where }), title: `Only ${name} ${value}` }, h("span", null, name), value));
  };
  for (const source of sources) {
    for (const name of SHOWN) add(name, source[name]);
    if (source.kind && source.kind !== "semantic") add("kind", source.kind);
  }
  const ids = source_ids ?? sources.map((source) => source.source_id).filter(Boolean);
  if (ids.length) list.append(h("span", { class: "chip source", title: "The caller's own id of it" }, ids.slice(0, 3).join(", ")));
  if (!occurred_at && recorded_at) list.append(recorded(recorded_at));
  return list;
}
