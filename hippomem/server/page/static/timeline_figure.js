/** Memories as dots over time, drawn with plotly.js: a lane for each speaker; dots that would overlap are stacked. */

import { cut, h, moment } from "./dom.js";
import { library, literal, redrawn, styled } from "./library.js";

const LANES = 6;
const SIZE = { plain: 8, ranked: 19 }; // pixels across
const HIGHEST = 110; // pixels that a lane's stacks may rise; more dots than that lie closer together
const DAY = 86_400_000;

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

/** The time shown: a little more than there is, and never so little that the axis would tell hours of undated days. */
function span(dots) {
  const [first, last] = [dots[0].date.getTime(), dots.at(-1).date.getTime()];
  const room = Math.max(2 * DAY, (last - first) * 0.04);
  return [first - room, last + room];
}

/** Adds y in pixels, upwards from the foot of the figure. Returns {feet, height}: each lane's foot, and that of the whole. */
function stack(dots, lanes, [start, stop], width) {
  const rows = lanes.map(() => []);
  for (const dot of dots) {
    const speaker = speakerOf(dot.memory);
    rows[lanes.includes(speaker) ? lanes.indexOf(speaker) : lanes.length - 1].push(dot);
  }
  const feet = [];
  let foot = 0;
  // Plotly's y axis grows upwards, so the last lane comes first.
  for (let lane = lanes.length - 1; lane >= 0; lane -= 1) {
    foot += 15;
    feet[lane] = foot;
    const placed = [];
    // Those of the answer first: they keep to the line, the others stand on them.
    for (const dot of rows[lane].toSorted((a, b) => (a.rank ?? 1e9) - (b.rank ?? 1e9))) {
      const x = ((dot.date.getTime() - start) / (stop - start)) * width;
      const size = dot.rank ? SIZE.ranked : SIZE.plain;
      const near = placed.filter((other) => Math.abs(other.x - x) < (other.size + size) / 2);
      const rise = near.length ? Math.max(...near.map((other) => other.rise + (other.size + size) / 2 + 1)) : 0;
      placed.push({ x, size, rise, dot });
    }
    const top = Math.max(0, ...placed.map((one) => one.rise));
    const squeeze = top > HIGHEST ? HIGHEST / top : 1;
    for (const one of placed) one.dot.y = foot + one.rise * squeeze;
    foot += Math.min(top, HIGHEST) + 15;
  }
  return { feet, height: foot };
}

/** Ticks at days, where the time shown is so short that there would be ticks at hours. */
function ticks([start, stop], most) {
  const days = (stop - start) / DAY;
  return days / most < 1 ? { dtick: DAY, tickformat: "%b %-d\n%Y" } : {};
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
    const width = Math.max(300, figure.clientWidth);
    const single = lanes.length === 1 && lanes[0] === "";
    const names = single ? [""] : lanes.map((lane) => literal(cut(lane || "others", 16)));
    const margin = { l: single ? 12 : 92, r: 16, t: 6, b: 40 };
    const range = span(dots);
    const { feet, height } = stack(dots, lanes, range, width - margin.l - margin.r);
    const marks = Math.max(3, Math.round((width - margin.l) / 110));
    await Plotly.react(
      canvas,
      [
        trace(plain, { size: SIZE.plain, color: plain.map((dot) => (dot.given ? styled("--dot") : clear)), line: { width: 1.4, color: styled("--dot") } }),
        trace(ranked, { size: SIZE.ranked, color: styled("--passage-strong"), line: { width: 1.5, color: styled("--surface") } }, true),
      ],
      {
        width,
        height: height + margin.t + margin.b,
        margin,
        paper_bgcolor: clear,
        plot_bgcolor: clear,
        font,
        showlegend: false,
        hovermode: "closest",
        hoverlabel: { bgcolor: styled("--ink"), bordercolor: styled("--ink"), font: { ...font, color: styled("--ground") }, align: "left" },
        dragmode: tall ? "pan" : false,
        xaxis: { type: "date", range: range.map((time) => new Date(time)), gridcolor: styled("--line"), linecolor: styled("--line"), zeroline: false, fixedrange: !tall, nticks: marks, ...ticks(range, marks) },
        yaxis: { range: [0, height], tickvals: feet, ticktext: names, gridcolor: styled("--line"), zeroline: false, fixedrange: true },
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
