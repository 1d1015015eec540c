/** Memories as dots over time, drawn with plotly.js: a lane for each speaker, days with many memories stacked. */

import { cut, h, moment } from "./dom.js";
import { library, literal, redrawn, styled } from "./library.js";

const LANES = 6;
const BINS = 90; // what falls into the same ninetieth of the time shown is stacked
const STACK = 12;

const speakerOf = (memory) => memory.sources?.find((source) => source.speaker)?.speaker ?? "";

/** The most frequent speakers, then all others; at least one lane. */
function lanesOf(memories) {
  const counts = new Map();
  for (const memory of memories) counts.set(speakerOf(memory), (counts.get(speakerOf(memory)) ?? 0) + 1);
  const named = [...counts.keys()].filter(Boolean).sort((a, b) => counts.get(b) - counts.get(a) || (a < b ? -1 : 1));
  const lanes = named.slice(0, LANES - 1);
  if (named.length > lanes.length || counts.has("") || !lanes.length) lanes.push("");
  return lanes;
}

function points(memories, answer, byRecord) {
  const at = (memory) => moment(memory.occurred_at) ?? (byRecord ? moment(memory.recorded_at) : null);
  const ranks = new Map(answer.toReversed().map((hit) => [hit.memory_id, hit.rank]));
  const known = new Set(memories.map((memory) => memory.memory_id));
  const all = [...memories, ...answer.filter((hit) => !known.has(hit.memory_id))];
  const seen = new Set();
  return all
    .filter((memory) => !seen.has(memory.memory_id) && seen.add(memory.memory_id))
    .map((memory) => ({ memory, date: at(memory), rank: ranks.get(memory.memory_id), given: Boolean(moment(memory.occurred_at)) }))
    .filter((point) => point.date !== null)
    .sort((a, b) => a.date - b.date);
}

/** Adds y: the lane, counted from the top, less what the stack lifts it. */
function stack(dots, lanes) {
  const first = dots[0].date.getTime();
  const bin = Math.max(1, (dots.at(-1).date.getTime() - first) / BINS);
  const heights = new Map();
  for (const dot of dots) {
    const lane = Math.max(0, lanes.includes(speakerOf(dot.memory)) ? lanes.indexOf(speakerOf(dot.memory)) : lanes.indexOf(""));
    const cell = `${lane} ${Math.floor((dot.date.getTime() - first) / bin)}`;
    const height = heights.get(cell) ?? 0;
    heights.set(cell, height + 1);
    dot.y = lane - (Math.min(height, STACK) / (STACK + 2)) * 0.85;
  }
}

function hover({ memory, rank, date }) {
  const name = [rank && `Passage ${rank}`, memory.title].filter(Boolean).join(": ");
  const lines = cut(memory.text, 200).match(/.{1,56}(\s|$)/gu) ?? [cut(memory.text, 56)];
  return [name, date.toLocaleDateString(undefined, { dateStyle: "medium" }), ...lines].filter(Boolean).map((line) => literal(line.trim())).join("<br>");
}

/**
 * memories: all that are drawn as dots.    answer: hits, drawn with their rank.
 * open: called with a memory id (tall) or a passage id.    byRecord: what has no date of its own stands where it was recorded.
 */
export function timelineFigure(memories, answer, { open, tall, byRecord = false }) {
  const canvas = h("div", { class: "canvas", role: "img", "aria-label": "Timeline; the same memories are listed on this page" });
  const figure = h("div", { class: "drawing time" }, canvas);
  const dots = points(memories, answer, byRecord);
  if (!dots.length) return figure;
  const lanes = lanesOf(dots.map((dot) => dot.memory));
  stack(dots, lanes);

  const trace = (which, marker, text) => ({
    x: which.map((dot) => dot.date),
    y: which.map((dot) => dot.y),
    text: text && which.map((dot) => String(dot.rank)),
    mode: text ? "markers+text" : "markers",
    textfont: { color: styled("--ground"), size: 11, family: styled("--font") },
    hovertext: which.map(hover),
    hoverinfo: "text",
    customdata: which.map((dot) => (tall ? dot.memory.memory_id : dot.memory.passage_id)),
    marker,
    cliponaxis: false,
  });
  const draw = async () => {
    const Plotly = await library();
    if (!figure.isConnected) return;
    if (Plotly === null) {
      figure.replaceChildren(h("p", { class: "quiet-notice" }, 'The timeline needs plotly: pip install "hippomem[ui]", then start the server again.'));
      return;
    }
    const plain = dots.filter((dot) => !dot.rank);
    const ranked = dots.filter((dot) => dot.rank).sort((a, b) => b.rank - a.rank);
    const clear = "rgba(0,0,0,0)";
    const font = { family: styled("--font"), size: 12, color: styled("--soft") };
    const single = lanes.length === 1 && lanes[0] === "";
    const names = single ? [""] : lanes.map((lane) => literal(cut(lane || "others", 16)));
    await Plotly.react(
      canvas,
      [
        trace(plain, { size: 8, color: plain.map((dot) => (dot.given ? styled("--dot") : clear)), line: { width: 1.4, color: styled("--dot") } }),
        trace(ranked, { size: 19, color: styled("--passage-strong"), line: { width: 1.5, color: styled("--surface") } }, true),
      ],
      {
        width: Math.max(300, figure.clientWidth),
        height: (tall ? 64 : 38) * lanes.length + (tall ? 120 : 70),
        margin: { l: single ? 12 : 92, r: 16, t: 16, b: 36 },
        paper_bgcolor: clear,
        plot_bgcolor: clear,
        font,
        showlegend: false,
        hovermode: "closest",
        hoverlabel: { bgcolor: styled("--ink"), bordercolor: styled("--ink"), font: { ...font, color: styled("--ground") }, align: "left" },
        dragmode: tall ? "pan" : false,
        xaxis: { type: "date", gridcolor: styled("--line"), linecolor: styled("--line"), zeroline: false, fixedrange: !tall, automargin: true, nticks: Math.max(3, Math.round(figure.clientWidth / 110)) },
        yaxis: { range: [lanes.length - 0.4, -1.05], tickvals: lanes.map((_, at) => at), ticktext: names, gridcolor: styled("--line"), zeroline: false, fixedrange: true },
      },
      { displayModeBar: false, scrollZoom: tall },
    );
    canvas.removeAllListeners("plotly_click");
    canvas.on("plotly_click", ({ points: [point] }) => open(point.customdata));
  };
  queueMicrotask(() => {
    draw();
    redrawn(figure, draw);
  });
  return figure;
}
