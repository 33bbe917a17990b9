/** Calls the desk's server. Reading is tried again while the server restarts; a change is never sent twice. */

const RETRY_MS = [200, 400, 800, 1600, 3000];
const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";

/** An answer that says why something was not done. `status` is 0 if the server was not reached. */
export class ApiError extends Error {
  constructor(status, code, message, details) {
    super(message);
    Object.assign(this, { status, code, details });
  }
}

export async function get(path, options = {}) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call("GET", path, undefined, options);
    } catch (error) {
      const isAway = error instanceof ApiError && error.status === 0;
      if (!isAway || attempt >= RETRY_MS.length) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS[attempt]));
    }
  }
}

/** Change something; `body` becomes JSON. `options.keepalive` lets it outlive the page. */
export const send = (method, path, body, options = {}) => call(method, path, body, options);

/** The headers that every change needs. */
export const changeHeaders = () => ({ "X-CSRF-Token": csrf });

async function call(method, path, body, { signal, keepalive } = {}) {
  const headers = method === "GET" ? {} : changeHeaders();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method, headers, signal, keepalive, body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "server_away", "The desk's server does not answer. Is offhook running? python start.py");
  }
  if (response.status === 401) return signInAgain();
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  const found = response.status === 204 ? null : isJson ? await response.json() : await response.text();
  if (!response.ok) throw asError(response.status, found);
  return found;
}

function asError(status, found) {
  const { code = "error", message = `The server answered ${status}.`, details } = found?.error ?? {};
  return new ApiError(status, code, message, details);
}

function signInAgain() {
  throw new ApiError(401, "not_signed_in", "You are not signed in any more. Type offhook open in a terminal.");
}
