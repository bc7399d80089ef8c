// Solves the proof of work that the service may ask for when many registrations or mails are requested.

const TIMEOUT = 60_000; // milliseconds
const WORKER = new URL("./proof_of_work.js", import.meta.url).href;
// A worker needs a trusted URL under the Content Security Policy: this policy returns only the one.
const policy = globalThis.trustedTypes?.createPolicy("proof-of-work", { createScriptURL: () => WORKER });

/** Resolve to the response to a challenge, or to null if there is none in time or `signal` is aborted. */
export function solve({ token, puzzles, bits }, signal) {
  return new Promise((resolve) => {
    const worker = new Worker(policy ? policy.createScriptURL("") : WORKER);
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
