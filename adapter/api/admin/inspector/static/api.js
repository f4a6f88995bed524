// @ts-check
// What the pages read from the server.

const ROOT = "/inspector/api/";

/**
 * Return JSON; throw an Error with the server's own message, and its status.
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
  if (!answer.ok) throw Object.assign(new Error(body?.error?.message ?? `The server answered ${answer.status}.`), { status: answer.status });
  return body;
}

/**
 * @param {string} path
 * @param {object} body
 */
export function send(path, body, method = "POST") {
  return read(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

const RETRY_MS = 2000;

/**
 * Call a function for each recording that changes, until the returned function is called.
 *
 * A browser gives up when the answer is an error: of a proxy while the server restarts, or since the session is over,
 * for which `read` asks for the key again. It has six connections to a server (HTTP/1.1), so a page that is not seen
 * gives its own back: else the seventh page would never come.
 * @param {number} after
 * @param {(recording: any) => void} onChange
 * @param {(isConnected: boolean) => void} onState
 */
export function follow(after, onChange, onState) {
  let rev = after, isOver = false;
  /** @type {EventSource} */
  let source;
  const open = () => {
    source = new EventSource(`${ROOT}live?after=${rev}`);
    source.onopen = () => onState(true);
    source.onmessage = (event) => {
      rev = Number(event.lastEventId);
      onChange(JSON.parse(event.data));
    };
    source.onerror = () => {
      onState(false);
      if (source.readyState === EventSource.CLOSED) setTimeout(again, RETRY_MS);
    };
  };
  const again = async () => {
    if (isOver || document.hidden) return;
    const isThere = await read("recordings?limit=1").catch(() => null);
    if (isOver || source.readyState !== EventSource.CLOSED) return;
    if (isThere && !document.hidden) open();
    else setTimeout(again, RETRY_MS);
  };
  const onVisibility = () => {
    if (document.hidden) {
      source.close();
      onState(false);
    } else if (source.readyState === EventSource.CLOSED) {
      open();
    }
  };
  document.addEventListener("visibilitychange", onVisibility);
  open();
  return () => {
    isOver = true;
    document.removeEventListener("visibilitychange", onVisibility);
    source.close();
  };
}
