// @ts-check
// What the pages read from the server.

const ROOT = "/inspector/api/";

/**
 * Return JSON; throw an Error with the server's own message.
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export async function read(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path.startsWith("/") ? path : ROOT + path, options);
  } catch {
    throw new Error("The server does not answer. It may be restarting.");
  }
  if (answer.status === 401) {
    location.assign("/inspector/sign-in");
    throw new Error("The session is over.");
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(body?.error?.message ?? `The server answered ${answer.status}.`);
  return body;
}

/**
 * @param {string} path
 * @param {object} body
 */
export function send(path, body, method = "POST") {
  return read(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

/**
 * Call a function for each recording that changes, until the returned function is called.
 * @param {number} after
 * @param {(recording: any) => void} onChange
 * @param {(isConnected: boolean) => void} onState
 */
export function follow(after, onChange, onState) {
  const source = new EventSource(`${ROOT}live?after=${after}`);
  source.onopen = () => onState(true);
  source.onerror = () => onState(false);
  source.onmessage = (event) => onChange(JSON.parse(event.data));
  return () => source.close();
}
