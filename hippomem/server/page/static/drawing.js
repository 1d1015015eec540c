/** Draws the sub-graph of an answer with plotly.js: nodes are annotations, edges are shapes, one unit is one pixel. */

import { h } from "./dom.js";
import { layer, subgraph } from "./graph.js";
import { arrange, curve } from "./layout.js";
import { library, literal, redrawn, styled } from "./library.js";

const FONT = 12;
const PADDING = 5;
const MISSING = 'The drawing needs plotly: pip install "hippomem[ui]", then start the server again.';

function measurer() {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `${FONT}px ${styled("--font")}`;
  return (text) => context.measureText(text).width;
}

function annotation(node, _, nodes) {
  const seed = node.weight > 0;
  const tone = node.kind === "entity" ? (seed ? "seed" : "path") : node.kind;
  return {
    name: node.key,
    x: node.x,
    y: node.y,
    text: node.lines.map(literal).join("<br>"),
    hovertext: literal(hover(node, nodes)).replaceAll("\n", "<br>"),
    captureevents: true,
    showarrow: false,
    align: node.kind === "entity" ? "center" : "left",
    // plotly.js adds the padding and the border on both sides.
    width: node.width - 2 * (PADDING + 1),
    height: node.height - 2 * (PADDING + 1),
    borderpad: PADDING,
    borderwidth: 1,
    bordercolor: styled(`--${tone}-line`),
    bgcolor: styled(`--${tone}-ground`),
    font: { color: styled(`--${tone}-ink`), size: FONT, family: styled("--font") },
    hoverlabel: { bgcolor: styled("--ink"), bordercolor: styled("--ink"), font: { color: styled("--ground"), size: FONT, family: styled("--font") } },
  };
}

/** What a node is, in words, broken into lines for a hover label. */
function hover(node, nodes) {
  const of = nodes.find((other) => other.rank && other.passage === node.passage);
  const stated = of ? `Fact, stated by passage ${of.rank}` : "Fact";
  const kind = { entity: node.weight ? "Name, seed of the walk" : "Name on the path", fact: stated, passage: node.rank ? `Passage ${node.rank}` : "Passage" }[node.kind];
  const share = node.weight ? `, ${Math.round(node.weight * 100)}% of its start` : "";
  const lines = (node.text.replace(/\s+/g, " ").match(/.{1,60}(\s|$)/gu) ?? [node.text]).slice(0, 8);
  return [`${kind}${share}`, ...lines.map((line) => line.trim())].join("\n");
}

function shape(edge) {
  return {
    type: "path",
    path: curve(edge.points),
    layer: "below",
    line: {
      color: styled(edge.kind === "path" ? "--edge" : "--edge-light"),
      width: edge.kind === "path" ? 1.6 : 1.2,
      dash: edge.kind === "path" ? "solid" : "dot",
    },
  };
}

const axis = (range) => ({ range, visible: false, fixedrange: true });

/**
 * A figure of the sub-graph. choose: called with a passage's id when it is picked in the graph.
 *
 * The figure has `emphasise(rank)`: the path to that hit stands out; null for none.
 */
export function graphFigure(result, choose) {
  const canvas = h("div", { class: "canvas", role: "group", "aria-label": "Graph of the answer" });
  const figure = h("div", { class: "drawing" }, canvas);
  figure.emphasise = () => {};
  const graph = subgraph(result);
  if (!graph.nodes.length) return figure;
  const layers = layer(graph);

  const draw = async () => {
    const Plotly = await library();
    if (!figure.isConnected) return;
    if (Plotly === null) {
      figure.replaceChildren(h("p", { class: "quiet-notice" }, MISSING));
      return;
    }
    const size = arrange(graph, layers, figure.clientWidth, FONT, measurer());
    const clear = "rgba(0,0,0,0)";
    const layout = {
      ...size,
      margin: { l: 0, r: 0, t: 0, b: 0 },
      xaxis: axis([0, size.width]),
      yaxis: axis([size.height, 0]),
      paper_bgcolor: clear,
      plot_bgcolor: clear,
      dragmode: false,
      annotations: graph.nodes.map(annotation),
      shapes: graph.edges.map(shape),
    };
    // An invisible point: plotly.js draws no axes, so no annotations, for nothing.
    const trace = { x: [0], y: [0], mode: "markers", marker: { opacity: 0 }, hoverinfo: "skip" };
    await Plotly.react(canvas, [trace], layout, { displayModeBar: false });
    canvas.removeAllListeners("plotly_clickannotation");
    canvas.on("plotly_clickannotation", ({ index }) => pick(graph.nodes[index]));
    dress();
    figure.emphasise(null);
  };
  const pick = (node) => node?.passage && choose(node.passage);

  // What plotly.js does not say about its elements: what they are, that some can be picked, on whose path they lie.
  const dress = () => {
    for (const element of canvas.querySelectorAll(".annotation")) {
      const node = graph.nodes[element.dataset.index];
      element.classList.add("node", node.kind);
      element.setAttribute("aria-label", hover(node, graph.nodes).replaceAll("\n", ": "));
      if (node.kind === "passage" && node.rank) {
        element.setAttribute("tabindex", "0");
        element.setAttribute("role", "button");
        element.onkeydown = (event) => ["Enter", " "].includes(event.key) && (event.preventDefault(), pick(node));
      } else element.setAttribute("role", "img");
      element.onmouseenter = () => emphasise(node.ranks);
      element.onmouseleave = () => emphasise(null);
    }
    for (const element of canvas.querySelectorAll(".shapelayer path")) element.classList.add("edge");
  };
  const emphasise = (ranks) => {
    const is = (thing) => ranks === null || ranks.size === 0 || [...thing.ranks].some((rank) => ranks.has(rank));
    for (const element of canvas.querySelectorAll(".annotation")) {
      element.classList.toggle("faint", !is(graph.nodes[element.dataset.index]));
    }
    for (const element of canvas.querySelectorAll(".shapelayer path[data-index]")) {
      element.classList.toggle("faint", !is(graph.edges[element.dataset.index]));
    }
  };
  figure.emphasise = (rank) => emphasise(rank === null ? null : new Set([rank]));

  queueMicrotask(() => {
    draw();
    redrawn(figure, draw);
  });
  return figure;
}
