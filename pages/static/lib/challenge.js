// Solves the proof of work that the service may ask for when many registrations or mails are requested.

const TIMEOUT = 60_000; // milliseconds
const WORKER = new URL("./proof_of_work.js", import.meta.url).href;
// A worker needs a trusted URL under the Content Security Policy: this policy returns only the one.
const policy = globalThis.trustedTypes?.createPolicy("proof-of-work", { createScriptURL: () => WORKER });

/** Return a worker, or null in a browser that has none. */
function started() {
  try {
    return new Worker(policy ? policy.createScriptURL("") : WORKER);
  } catch {
    return null;
  }
}

/** Resolve to the response to a challenge, or to null if there is none in time or `signal` is aborted. */
export function solve({ token, puzzles, bits }, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve(null);
    const worker = started();
    if (!worker) return resolve(null);
    const end = (response) => {
      clearTimeout(timeout);
      worker.terminate();
      resolve(response);
    };
    const timeout = setTimeout(() => end(null), TIMEOUT);
    signal?.addEventListener("abort", () => end(null));
    worker.addEventListener("message", ({ data }) => end(`${token}.${data}`));
    worker.addEventListener("error", () => end(null));
    worker.postMessage({ token, puzzles, bits });
  });
}
