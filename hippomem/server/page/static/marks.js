/** Which stretches of a passage to mark: words of the question, names the walk started from, names on its way. */

import { h } from "./dom.js";

// Words that stand in every question. Marking them would mark everything; ranking has its own weights.
const COMMON = new Set(
  ("a an and are as at be been by did do does for from had has have he her his how i in is it its me my name of on or " +
    "she that the their them they this to was we were what when where which who whom whose why will with you your " +
    "der die das und ist wer wie was wo le la les des qui que est quel quelle el los las de del en").split(" "),
);
const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });

/** Without case and accents, and for each character of that the place it has in the text. */
function fold(text) {
  let folded = "";
  const places = [];
  let place = 0;
  for (const character of text) {
    for (const part of character.normalize("NFKD").toLowerCase().replace(/\p{M}/gu, "")) {
      folded += part;
      for (let unit = 0; unit < part.length; unit += 1) places.push(place);
    }
    place += character.length;
  }
  places.push(text.length);
  return { folded, places };
}

/** A word's stem, roughly: `discovered`, `discovers` and `discovery` are marked as one. */
const stem = (word) => (word.length > 4 ? word.replace(/(ies|ied|ing|ed|es|s|y|e)$/, "") : word);

/** Words of the question worth marking, folded. */
export function words(question) {
  const { folded } = fold(question);
  const found = [...segmenter.segment(folded)].filter((part) => part.isWordLike).map((part) => part.segment);
  return new Set(found.filter((word) => !COMMON.has(word)).map(stem));
}

const isLetter = (character) => character !== undefined && /[\p{L}\p{N}]/u.test(character);
// Scripts that put no space between words: there a name has no edge to be checked.
const SPACELESS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

function* occurrences(folded, name) {
  for (let at = folded.indexOf(name); at >= 0 && name; at = folded.indexOf(name, at + name.length)) {
    const stop = at + name.length;
    if (SPACELESS.test(name) || (!isLetter(folded[at - 1]) && !isLetter(folded[stop]))) yield [at, stop];
  }
}

/** Stretches [start, stop, kind] in order, none overlapping. Of two that overlap a name wins over a word, a longer name over a shorter. */
export function stretches(text, { seeds, path, asked }) {
  const { folded, places } = fold(text);
  const found = [];
  const names = [...seeds].map((name) => [name, "seed"]).concat([...path].map((name) => [name, "path"]));
  for (const [name, kind] of names) {
    for (const [start, stop] of occurrences(folded, fold(name).folded.trim())) found.push([start, stop, kind]);
  }
  for (const part of segmenter.segment(folded)) {
    if (part.isWordLike && asked.has(stem(part.segment))) found.push([part.index, part.index + part.segment.length, "word"]);
  }
  const order = { seed: 0, path: 0, word: 1 };
  found.sort((a, b) => order[a[2]] - order[b[2]] || b[1] - b[0] - (a[1] - a[0]) || a[0] - b[0]);
  const kept = [];
  for (const stretch of found) {
    if (kept.every(([start, stop]) => stretch[1] <= start || stretch[0] >= stop)) kept.push(stretch);
  }
  kept.sort((a, b) => a[0] - b[0]);
  return kept.map(([start, stop, kind]) => [places[start], places[stop], kind]);
}

const MEANING = { seed: "a name the walk started from", path: "a name on the path", word: "a word of the question" };

/** The text as nodes, with `mark` elements. */
export function marked(text, names) {
  const nodes = [];
  let at = 0;
  for (const [start, stop, kind] of stretches(text, names)) {
    if (start > at) nodes.push(text.slice(at, start));
    nodes.push(h("mark", { class: kind, title: MEANING[kind] }, text.slice(start, stop)));
    at = stop;
  }
  nodes.push(text.slice(at));
  return nodes;
}
