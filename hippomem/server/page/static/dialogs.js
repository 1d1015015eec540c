/** Dialogs: the API key, whether to forget, and one memory with its history. */

import { api, key } from "./api.js";
import { chips } from "./chips.js";
import { announce, count, cut, failure, fill, h, notice, waiting, when } from "./dom.js";
import { here } from "./place.js";

/** A modal dialog that is gone from the document when it closes. Escape and a click beside it close it. */
function dialog(name, label, ...children) {
  const element = h("dialog", { class: name, "aria-label": label }, ...children);
  element.addEventListener("click", (event) => event.target === element && element.close());
  element.addEventListener("close", () => element.remove());
  document.body.append(element);
  element.showModal();
  return element;
}

const closer = (text = "Close") => h("button", { type: "button", class: "quiet", on: { click: (event) => event.target.closest("dialog").close() } }, text);

/** Asks for the key. reason: what the server said, if it refused one. Resolves to whether the key is another now. */
export function askKey(reason) {
  // Several calls can be refused at once; one question is enough.
  const open = document.querySelector("dialog.key");
  if (open) return Promise.resolve(false);
  return new Promise((resolve) => {
    const had = key.get();
    const field = h("input", { type: "password", id: "key-field", autocomplete: "off", spellcheck: "false", placeholder: "hm_…", value: had });
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", null, "API key"),
      reason && h("p", { class: "bad", role: "alert" }, reason),
      h("label", { for: "key-field" }, "Key for this server"),
      field,
      h("p", { class: "small" }, "Kept in this tab only, until it is closed. A server on your own machine without keys needs none."),
      h("div", { class: "row" }, had && h("button", { type: "button", class: "quiet", on: { click: () => { key.set(""); box.close(); } } }, "Remove"), closer("Cancel"), h("button", { type: "submit", class: "primary" }, "Use this key")),
    );
    // Not left to the browser: the policy forbids forms to be sent, and a key has no business in an address.
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      key.set(field.value.trim());
      box.close();
    });
    const box = dialog("key", "API key", form);
    box.addEventListener("close", () => resolve(key.get() !== had));
    field.select();
  });
}

/** Asks, then forgets. Resolves to whether the memory is gone. */
export function forget(memoryId, title, text) {
  return new Promise((resolve) => {
    let gone = false;
    const said = h("div");
    const yes = h("button", { type: "button", class: "primary danger" }, "Forget");
    yes.addEventListener("click", async () => {
      yes.disabled = true;
      try {
        await api.forget(here().namespace, memoryId);
        gone = true;
        announce("Forgotten");
        box.close();
      } catch (error) {
        fill(said, failure(error));
        yes.disabled = false;
      }
    });
    const box = dialog(
      "ask",
      "Forget this memory",
      h("h2", null, "Forget this memory?"),
      h("blockquote", { dir: "auto" }, title && h("b", null, `${title} `), cut(text, 240)),
      h("p", { class: "small" }, "It is removed with every fact that only it states, and cannot be brought back."),
      said,
      h("div", { class: "row" }, closer("Keep it"), yes),
    );
    box.addEventListener("close", () => resolve(gone));
  });
}

/** Shows one memory: its text now, its sources, what it takes the place of or gave place to, and what it said before. */
export async function openMemory(memoryId, { afterForget } = {}) {
  const { namespace } = here();
  document.querySelector("dialog.memory")?.close();
  const content = h("div", { class: "content" }, waiting(2));
  const box = dialog("memory", "Memory", content);
  try {
    const [record, { versions }] = await Promise.all([api.memory(namespace, memoryId), api.history(namespace, memoryId)]);
    fill(content, ...memoryParts(record, versions, box, afterForget));
    announce(`Memory ${record.title || cut(record.text, 60)}`);
  } catch (error) {
    const gone = error.status === 404;
    fill(content, gone ? notice("This memory is gone", "It was forgotten, or it is in another namespace.") : failure(error), h("div", { class: "row" }, closer()));
  }
}

function memoryParts(record, versions, box, afterForget) {
  const open = (id) => h("button", { type: "button", class: "link mono", on: { click: () => openMemory(id, { afterForget }) } }, id);
  const line = (label, ...value) => h("div", null, h("dt", null, label), h("dd", null, ...value));
  const remove = async () => {
    if (!(await forget(record.memory_id, record.title, record.text))) return;
    box.close();
    afterForget?.(record.memory_id);
  };
  const metadata = record.sources.map((source) => source.metadata).filter((one) => one && Object.keys(one).length);
  return [
    h("h2", { dir: "auto" }, record.title || "Untitled memory"),
    record.superseded_by && h("p", { class: "superseded" }, "Superseded by ", open(record.superseded_by)),
    h("p", { class: "text", dir: "auto" }, record.text),
    chips(record),
    h(
      "dl",
      { class: "facts-of" },
      line("Memory", h("span", { class: "mono" }, record.memory_id)),
      line("Recorded", when(record.recorded_at, "recorded")),
      record.expires_at && line("Expires", when(record.expires_at, "expires")),
      record.supersedes?.length > 0 && line("Takes the place of", ...record.supersedes.map(open)),
      line("Sources", count(record.sources.length, "place")),
      metadata.length > 0 && line("Metadata", ...metadata.map((one) => h("code", null, JSON.stringify(one)))),
    ),
    h("h3", null, "History"),
    versions.length < 2
      ? h("p", { class: "small" }, "It has said the same since it was recorded.")
      : h("ol", { class: "history" }, versions.toReversed().map((version, at) =>
          h("li", { class: at ? "past" : "now" },
            h("div", { class: "chips" }, h("b", { class: "small" }, at ? "before" : "now"), when(version.recorded_at, "said from"), version.replaced_at && [h("span", { class: "small" }, "until"), when(version.replaced_at, "replaced")]),
            h("p", { dir: "auto" }, version.title && version.title !== record.title ? h("b", null, `${version.title}: `) : null, version.text)))),
    h("div", { class: "row" }, h("button", { type: "button", class: "quiet danger", on: { click: remove } }, "Forget…"), closer()),
  ];
}
