/** Where the page is: view, namespace, question and filters, all in the address after `#`, which no server is sent. */

export const FILTERS = ["user", "agent", "session", "speaker", "kind", "since", "until", "as_of"];
const VIEWS = ["search", "memories", "timeline"];

/** What the address says. where: the filters that are set. */
export function here() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const given = new URLSearchParams(query);
  const where = {};
  for (const name of FILTERS) if (given.get(name)) where[name] = given.get(name);
  return {
    view: VIEWS.includes(path) ? path : "search",
    namespace: given.get("namespace") ?? "default",
    question: given.get("q") ?? "",
    where,
  };
}

/** The address of a place; what is not named stays as it is here. */
export function address(changes) {
  const { view, namespace, question, where } = { ...here(), ...changes };
  const query = new URLSearchParams();
  if (question) query.set("q", question);
  if (namespace !== "default") query.set("namespace", namespace);
  for (const [name, value] of Object.entries(where)) query.set(name, value);
  return `#/${view}${query.size ? `?${query}` : ""}`;
}

/** Go there; `hashchange` does the rest. Going where one is asks again. */
export function go(changes) {
  const next = address(changes);
  if (next === location.hash) dispatchEvent(new HashChangeEvent("hashchange"));
  else location.hash = next;
}
