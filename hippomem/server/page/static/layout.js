/** Where the nodes of a layered graph go, in pixels: columns from left to right, few crossings, straight edges. */

const GAP = 12; // between nodes of a column
const NEAREST = 34; // between columns
const EDGE = 2; // around all
const PAD = { x: 9, y: 6 };
const LINE = 1.3; // plotly.js's own line height, in font sizes
const WIDEST = { entity: 132, fact: 216, passage: 176 };
const NARROWEST = { entity: 84, fact: 128, passage: 116 };
const LINES = { entity: 2, fact: 3, passage: 2 };

/** Breaks a text into lines no wider than `width`, at most `most` of them, the last one cut. measure: text → pixels. */
export function wrap(text, width, most, measure) {
  const lines = [];
  let line = "";
  // Words, and after any character of a script without spaces.
  const parts = text.replace(/\s+/g, " ").trim().match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[^\s\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+\s?/gu) ?? [];
  for (const part of parts) {
    if (line && measure((line + part).trimEnd()) > width) {
      lines.push(line.trimEnd());
      line = "";
    }
    line += part;
  }
  lines.push(line.trimEnd());
  const kept = lines.slice(0, most);
  if (lines.length > most) kept[most - 1] += "…";
  return kept.map((one) => {
    if (measure(one) <= width) return one;
    let short = one.replace(/…$/, "");
    while (short && measure(`${short}…`) > width) short = [...short].slice(0, -1).join("");
    return `${short.trimEnd()}…`;
  });
}

/** Adds width, height and lines to each node, so that the columns fill `room` if they can. Returns the columns' widths. */
function measureAll(nodes, layers, room, font, measure) {
  const gaps = (layers - 1) * NEAREST + 2 * EDGE;
  const sum = (limits) => {
    let all = gaps;
    for (let at = 0; at < layers; at += 1) {
      all += Math.max(0, ...nodes.filter((node) => node.layer === at).map((node) => limits[node.kind]));
    }
    return all;
  };
  const [least, most] = [sum(NARROWEST), sum(WIDEST)];
  const share = most === least ? 1 : Math.min(1, Math.max(0, (room - least) / (most - least)));
  const widths = Array.from({ length: layers }, () => 0);
  for (const node of nodes) {
    const limit = NARROWEST[node.kind] + share * (WIDEST[node.kind] - NARROWEST[node.kind]);
    const label = node.rank ? `${node.rank}  ${node.text}` : node.text;
    node.lines = wrap(label, limit - 2 * PAD.x, LINES[node.kind], measure);
    node.width = node.kind === "entity" ? Math.max(...node.lines.map(measure)) + 2 * PAD.x : limit;
    node.height = node.lines.length * font * LINE + 2 * PAD.y;
    widths[node.layer] = Math.max(widths[node.layer], node.width);
  }
  return widths;
}

/** Puts a column's items where they want to be, without overlap: [item.wish] → item.y, order kept. */
function settle(column) {
  const blocks = [];
  for (const item of column) {
    const block = { items: [item], height: item.height + GAP, wish: item.wish, weight: 1 };
    blocks.push(block);
    // Neighbours that would overlap move as one, around the mean of their wishes.
    for (let last = blocks.length - 1; last > 0; last -= 1) {
      const [before, now] = [blocks[last - 1], blocks[last]];
      if (before.wish + before.height / 2 <= now.wish - now.height / 2) break;
      const wish = (before.wish * before.weight + now.wish * now.weight) / (before.weight + now.weight);
      const joined = { items: [...before.items, ...now.items], height: before.height + now.height, wish, weight: before.weight + now.weight };
      blocks.splice(last - 1, 2, joined);
    }
  }
  for (const block of blocks) {
    let top = block.wish - block.height / 2;
    for (const item of block.items) {
      item.y = top + (item.height + GAP) / 2;
      top += item.height + GAP;
    }
  }
}

/**
 * Places nodes that have their layer. font: pixels.    measure: text → pixels.    room: the width there is.
 *
 * Adds x, y (centres), width, height, lines to each node, and points, [x, y] from end to end, to each edge. An edge over
 * several columns passes between the nodes there, because it has a small place of its own in each.
 * Returns {width, height}.
 */
export function arrange({ nodes, edges }, layers, room, font, measure) {
  const widths = measureAll(nodes, layers, room, font, measure);
  const used = widths.reduce((sum, width) => sum + width, 0);
  const between = Math.min(96, Math.max(NEAREST, (room - used - 2 * EDGE) / Math.max(1, layers - 1)));
  const lefts = widths.map((_, at) => EDGE + widths.slice(0, at).reduce((sum, width) => sum + width + between, 0));

  const columns = Array.from({ length: layers }, () => []);
  const items = new Map(nodes.map((node) => [node.key, { node, height: node.height, before: [], after: [] }]));
  for (const item of items.values()) columns[item.node.layer].push(item);
  for (const edge of edges) {
    let at = items.get(edge.from);
    edge.via = [];
    for (let layer = at.node.layer + 1; layer < items.get(edge.to).node.layer; layer += 1) {
      const pass = { height: 2, before: [], after: [], layer };
      columns[layer].push(pass);
      edge.via.push(pass);
    }
    for (const next of [...edge.via, items.get(edge.to)]) {
      at.after.push(next);
      next.before.push(at);
      at = next;
    }
  }
  const number = (column) => column.forEach((item, place) => Object.assign(item, { place }));
  columns.at(-1).sort((a, b) => (a.node?.rank ?? 99) - (b.node?.rank ?? 99));
  columns.forEach(number);
  const mean = (list, of, otherwise) => (list.length ? list.reduce((sum, item) => sum + of(item), 0) / list.length : otherwise);
  // Order by the neighbours' mean place. The last column keeps its ranks, so all is pulled towards them.
  for (let round = 0; round < 6; round += 1) {
    for (let at = layers - 2; at >= 0; at -= 1) {
      for (const item of columns[at]) item.pull = mean(item.after, (next) => next.place, item.place);
      columns[at].sort((a, b) => a.pull - b.pull);
      number(columns[at]);
    }
  }
  for (const column of columns) {
    let top = 0;
    for (const item of column) {
      item.y = top + item.height / 2;
      top += item.height + GAP;
    }
  }
  for (let round = 0; round < 12; round += 1) {
    const way = round % 2 ? columns : columns.toReversed();
    for (const column of way) {
      for (const item of column) item.wish = mean([...item.before, ...item.after], (other) => other.y, item.y);
      settle(column);
    }
  }
  const all = columns.flat();
  const top = Math.min(...all.map((item) => item.y - item.height / 2)) - 4;
  for (const item of all) item.y -= top;
  for (const { node, y } of items.values()) {
    const start = node.layer === layers - 1 ? lefts[node.layer] : lefts[node.layer] + (widths[node.layer] - node.width) / 2;
    Object.assign(node, { y, x: start + node.width / 2 });
  }
  for (const edge of edges) {
    const [from, to] = [items.get(edge.from).node, items.get(edge.to).node];
    const pass = edge.via.flatMap(({ layer, y }) => [[lefts[layer], y], [lefts[layer] + widths[layer], y]]);
    edge.points = [[from.x + from.width / 2, from.y], ...pass, [to.x - to.width / 2, to.y]];
  }
  return { width: lefts.at(-1) + widths.at(-1) + EDGE, height: Math.max(...all.map((item) => item.y + item.height / 2)) + 4 };
}

/** An SVG path through points, level where it leaves and arrives. */
export function curve(points) {
  const parts = [`M${points[0].map(Math.round)}`];
  points.slice(1).forEach(([x, y], at) => {
    const [x0, y0] = points[at];
    // An edge that runs backwards bows out, so that it can be seen.
    const bend = x > x0 ? (x - x0) / 2 : 60;
    parts.push(`C${Math.round(x0 + bend)},${Math.round(y0)} ${Math.round(x - bend)},${Math.round(y)} ${Math.round(x)},${Math.round(y)}`);
  });
  return parts.join(" ");
}
