/** plotly.js, fetched when there is first something to draw, from the Python package that carries it. */

let asked = null;

/** The library, or null when the server's installation lacks it. */
export function library() {
  asked ??= load();
  return asked;
}

async function load() {
  const response = await fetch("static/plotly.json", { credentials: "omit" }).catch(() => null);
  if (!response?.ok) {
    asked = null; // the server may be back for the next drawing
    return null;
  }
  const { file, styles } = await response.json();
  if (!file) return null;
  // plotly.js puts a style element for maps into the page as it loads, unless one of its name is there. The content
  // security policy would stop it, and say so in the console; nothing here is a map.
  for (const id of styles) document.head.append(Object.assign(document.createElement("meta"), { id }));
  return new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = file;
    script.addEventListener("load", () => resolve(globalThis.Plotly ?? null));
    script.addEventListener("error", () => resolve(null));
    document.head.append(script);
  });
}

/** plotly.js reads a little HTML in texts; stored text must come out as it is. */
export const literal = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** A colour or font of the page's style sheet. */
export function styled(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Calls `draw` when the element has got another width, or the colours have changed, until the element is gone. */
export function redrawn(element, draw) {
  let width = element.clientWidth;
  let due = 0;
  const again = () => {
    clearTimeout(due);
    due = setTimeout(() => element.isConnected && draw(), 80);
  };
  const observer = new ResizeObserver(() => {
    if (!element.isConnected) {
      observer.disconnect();
      dark.removeEventListener("change", again);
    } else if (Math.abs(element.clientWidth - width) > 1) {
      width = element.clientWidth;
      again();
    }
  });
  observer.observe(element);
  dark.addEventListener("change", again);
}
