/** Elements, dates and messages. Text reaches the document as text nodes only: nothing here parses HTML. */

/** An element. props: attributes, and `on` (event → handler), `data`, `class`; null, undefined and false are left out. */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    else if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Puts children in place of what an element holds; what is not there (null, false) is left out, not spelled out. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
}

/** Tell those who listen to the page rather than see it. */
export function announce(text) {
  document.getElementById("live").textContent = text;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The moment of an ISO 8601 text, or null. A day alone is a day where the reader is, not midnight in Greenwich. */
export function moment(text) {
  if (!text) return null;
  const date = new Date(DAY.test(text) ? `${text}T00:00:00` : text);
  return Number.isNaN(date.getTime()) ? null : date;
}

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const minute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** A `time` element; a text that is no date (a year alone, say) stays as it is. */
export function when(text, label) {
  const date = moment(text);
  const shown = date === null || /^\d{4}(-\d{2})?$/.test(text) ? text : (DAY.test(text) ? day : minute).format(date);
  return h("time", { datetime: text, title: `${label}: ${text}`, class: "chip when" }, shown);
}

/** When something without a date of its own was handed in; told quietly, to the day. */
export function recorded(text) {
  const date = moment(text);
  return h("time", { datetime: text, title: `recorded: ${text}`, class: "recorded" }, date ? `recorded ${day.format(date)}` : text);
}

/** `1 passage`, `3 passages`, with the reader's own thousands. */
export function count(number, noun, plural = `${noun}s`) {
  return `${number.toLocaleString()} ${number === 1 ? noun : plural}`;
}

/** A text cut at a word near `length` characters. */
export function cut(text, length) {
  const flat = text.replace(/\s+/g, " ").trim();
  if (flat.length <= length) return flat;
  const space = flat.lastIndexOf(" ", length);
  return `${flat.slice(0, space > length / 2 ? space : length)}…`;
}

/** Something the page has to say instead of content. */
export function notice(title, text, ...more) {
  return h("div", { class: "notice" }, h("h2", null, title), text && h("p", null, text), ...more);
}

/** What went wrong, in the server's own words, and a way on. */
export function failure(error, retry) {
  const about = [error.type, error.requestId && `request ${error.requestId}`].filter(Boolean).join(" · ");
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("h2", null, error.title ?? "That did not work"),
    h("p", null, error.message),
    about && h("p", { class: "small" }, about),
    retry && h("button", { type: "button", on: { click: retry } }, "Try again"),
  );
}

/** Grey lines where text will be. */
export function waiting(rows) {
  const row = () => h("div", { class: "ghost" }, h("i"), h("i"), h("i"));
  return h("div", { class: "ghosts", "aria-hidden": "true" }, Array.from({ length: rows }, row));
}
