// Requests to the gate. A refusal is a value: { ok: false, code }.

export const UNREACHABLE = "unreachable";

export async function ask(method, path, body, { timeout = 5000, type = "application/json" } = {}) {
  const headers = { "X-Usher": "1" };
  if (body !== undefined) headers["Content-Type"] = type;
  const content = body === undefined || body instanceof Blob ? body : JSON.stringify(body);
  try {
    const signal = AbortSignal.timeout(timeout);
    const answer = await fetch(path, { method, headers, body: content, signal, cache: "no-store" });
    if (answer.status === 204) return { ok: true, data: null };
    const data = await answer.json();
    return answer.ok ? { ok: true, data } : { ok: false, code: String(data.code), status: answer.status };
  } catch {
    return { ok: false, code: UNREACHABLE, status: 0 };
  }
}

export const get = (path) => ask("GET", path);
export const post = (path, body = {}, limits = {}) => ask("POST", path, body, limits);
