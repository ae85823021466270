// The server's answers. An error becomes an Error with the server's one line.

async function answer(response) {
  if (response.ok) return response.json();
  let line = `the server answered ${response.status}`;
  try {
    line = (await response.json()).error ?? line;
  } catch { /* no JSON: the status says enough */ }
  throw Object.assign(new Error(line), { status: response.status });
}

/** GET; `parameters` may hold lists; null values are left out. */
export async function get(path, parameters = {}, signal = undefined) {
  return answer(await fetch(`/api/${path}${query(parameters)}`, { signal, headers: { accept: "application/json" } }));
}

/** POST of one picture (a Blob) or of JSON. */
export async function post(path, parameters, body, signal = undefined) {
  const picture = body instanceof Blob;
  return answer(await fetch(`/api/${path}${query(parameters)}`, {
    method: "POST", signal,
    body: picture ? body : JSON.stringify(body),
    headers: { "content-type": picture ? body.type || "application/octet-stream" : "application/json", accept: "application/json" },
  }));
}

export function query(parameters) {
  const made = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") made.append(name, one);
    }
  }
  const text = made.toString();
  return text && `?${text}`;
}

export const part = (name) => encodeURIComponent(name);

/** Calls `work` with the newest value only: while one call is under way, others are replaced by the last. */
export function newest(work) {
  let running = false;
  let waiting = null;
  async function run(value) {
    if (running) {
      waiting = { value };
      return;
    }
    running = true;
    try {
      await work(value);
    } finally {
      running = false;
      if (waiting) {
        const next = waiting;
        waiting = null;
        run(next.value);
      }
    }
  }
  return run;
}
