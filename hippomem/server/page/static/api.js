/** The REST API of this server, one function a call. What it refuses arrives as ApiError. */

const KEY = "hippomem.key";

/** The API key: in this tab's session storage, so it is gone when the tab is, and never in an address. */
export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (text) => (text ? sessionStorage.setItem(KEY, text) : sessionStorage.removeItem(KEY)),
};

const TITLES = {
  0: "The server does not answer",
  401: "An API key is needed",
  403: "This key may not do that",
  404: "Nothing there",
  429: "Too many requests",
};

/** A refusal. status: HTTP's, 0 when nothing answered.    type, requestId: as the server names them. */
export class ApiError extends Error {
  constructor(status, type, message, requestId) {
    super(message);
    Object.assign(this, { status, type, requestId, title: TITLES[status] });
  }
}

async function call(method, path, { query = {}, body, signal } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const search = given.length ? `?${new URLSearchParams(given)}` : "";
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (key.get()) headers.authorization = `Bearer ${key.get()}`;
  const request = { method, headers, signal, body: body && JSON.stringify(body), credentials: "omit", cache: "no-store" };
  let response;
  try {
    // Relative, so that the page also works behind a proxy that serves it under a path.
    response = await fetch(`v1/${path}${search}`, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, null, "It may have been stopped, or the connection is gone.");
  }
  const text = await response.text();
  let answer = null;
  try {
    answer = text ? JSON.parse(text) : null;
  } catch {
    // Not from hippomem: a proxy's page, say. The status is what there is to tell.
  }
  if (response.ok) return answer;
  const { type, message, request_id } = answer?.error ?? {};
  throw new ApiError(response.status, type, message ?? `The server answered ${response.status}.`, request_id);
}

const one = (id) => `memories/${encodeURIComponent(id)}`;

export const api = {
  search: (body, signal) => call("POST", "search", { body, signal }),
  memories: (query, signal) => call("GET", "memories", { query, signal }),
  memory: (namespace, id) => call("GET", one(id), { query: { namespace } }),
  history: (namespace, id) => call("GET", `${one(id)}/history`, { query: { namespace } }),
  forget: (namespace, id) => call("DELETE", one(id), { query: { namespace } }),
  namespaces: () => call("GET", "namespaces"),
  stats: (namespace) => call("GET", "stats", { query: { namespace } }),
};
