/** The sub-graph of an answer: where the walk started, and the paths to the best passages, as nodes and edges. */

const TOP = 5;

/**
 * Reads `why` of the best hits.
 *
 * Returns {nodes, edges}. A node: {key, kind, text, weight, rank, passage, ranks}: weight is a seed's share of the walk's
 * start, rank a hit's, ranks the hits whose path leads over it. An edge: {from, to, kind, ranks}, kind one of `path` (as
 * the walk went), `mention` (a seed without a path, and the facts, or else the passages, that name it), `nearest` (a hit
 * without a path, and its fact nearest to the question).
 */
export function subgraph(result, top = TOP) {
  const nodes = new Map();
  const edges = new Map();
  const hits = result.hits.slice(0, top);
  const ranks = new Map(hits.map((hit) => [hit.passage_id, hit.rank]));

  const node = (kind, text, passage) => {
    const key = kind === "passage" && passage ? `passage ${passage}` : `${kind} ${text}`;
    if (!nodes.has(key)) {
      nodes.set(key, { key, kind, text, passage, weight: 0, rank: ranks.get(kind === "passage" ? passage : ""), ranks: new Set() });
    }
    return nodes.get(key);
  };
  const edge = (from, to, kind, rank) => {
    const key = `${from.key}\n${to.key}`;
    if (from === to) return;
    if (!edges.has(key)) edges.set(key, { from: from.key, to: to.key, kind, ranks: new Set() });
    for (const end of [edges.get(key), from, to]) if (rank) end.ranks.add(rank);
  };

  for (const hit of hits) {
    const goal = node("passage", hit.title || hit.text, hit.passage_id);
    goal.ranks.add(hit.rank);
    goal.text = label(hit);
    goal.said = hit.text;
    const steps = (hit.why?.path ?? []).map((step) => node(step.kind, step.text, step.passage_id ?? undefined));
    steps.slice(1).forEach((step, at) => edge(steps[at], step, "path", hit.rank));
    const nearest = hit.why?.facts?.[0];
    if (steps.length < 2 && nearest) edge(node("fact", nearest.text, nearest.passage_id), goal, "nearest", hit.rank);
  }
  const titles = new Map(hits.toReversed().map((hit) => [hit.title, `passage ${hit.passage_id}`]));
  for (const seed of hits[0]?.why?.seeds ?? []) {
    // A seed that is a passage is drawn where that passage is, if it is among the hits; its name is a title.
    const same = nodes.get(seed.kind === "passage" ? titles.get(seed.name) : `${seed.kind} ${seed.name}`);
    if (!same && seed.kind !== "entity") continue;
    (same ?? node("entity", seed.name)).weight = seed.weight;
  }
  for (const seed of nodes.values()) {
    if (seed.kind !== "entity" || !seed.weight || seed.ranks.size) continue;
    const names = (text) => text?.toLowerCase().includes(seed.text.toLowerCase());
    const facts = [...nodes.values()].filter((other) => other.kind === "fact" && names(other.text));
    const passages = [...nodes.values()].filter((other) => other.rank && names(other.said));
    for (const other of facts.length ? facts : passages) edge(seed, other, "mention");
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

/** What tells a passage from others: its title, or, where that is only who speaks, the words themselves. */
function label(hit) {
  if (!hit.title) return hit.text;
  return (hit.sources ?? []).some((source) => source.speaker === hit.title) ? `${hit.title}: ${hit.text}` : hit.title;
}

/**
 * Gives each node its layer, from the left: one more than the furthest node that leads to it; hits are in the last.
 * An edge that would close a circle is left out of this (and drawn all the same). Returns the number of layers.
 */
export function layer({ nodes, edges }) {
  const after = new Map(nodes.map((node) => [node.key, []]));
  const reaches = (from, to) => from === to || after.get(from).some((next) => reaches(next, to));
  for (const edge of edges) if (!reaches(edge.to, edge.from)) after.get(edge.from).push(edge.to);

  const byKey = new Map(nodes.map((node) => [node.key, node]));
  for (const node of nodes) node.layer = 0;
  const push = (node) => {
    for (const key of after.get(node.key)) {
      const next = byKey.get(key);
      if (next.layer <= node.layer) {
        next.layer = node.layer + 1;
        push(next);
      }
    }
  };
  nodes.forEach(push);
  // What nothing leads to stands just left of what it leads to: a fact that is only near should not look like a start.
  const led = new Set([...after.values()].flat());
  for (const node of nodes) {
    if (led.has(node.key) || node.weight || !after.get(node.key).length) continue;
    node.layer = Math.min(...after.get(node.key).map((key) => byKey.get(key).layer)) - 1;
  }
  const last = Math.max(...nodes.map((node) => node.layer), 1);
  for (const node of nodes) if (node.rank && !after.get(node.key).length) node.layer = last;
  // …and once more, now that the hits have moved to the right.
  for (const node of nodes) {
    if (led.has(node.key) || node.weight || node.kind !== "fact") continue;
    node.layer = Math.max(0, Math.min(...after.get(node.key).map((key) => byKey.get(key).layer)) - 1);
  }
  return last + 1;
}
