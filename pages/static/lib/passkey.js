// Passkeys: conversion between the JSON of the API and the objects of WebAuthn.

const fromText = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const named = (list) => (list ?? []).map((each) => ({ ...each, id: fromText(each.id) }));
const FIELDS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];

/** Return whether this browser supports passkeys. */
export const hasPasskeys = () => "PublicKeyCredential" in globalThis;

/** Return whether the browser offers passkeys in the autofill of a field. */
export const offersInField = async () =>
  hasPasskeys() && (await PublicKeyCredential.isConditionalMediationAvailable?.()) === true;

/** Create a passkey. Resolves to its JSON, or null if the user cancelled. */
export function makePasskey(options) {
  const { challenge, user, excludeCredentials } = options;
  return answered(() =>
    navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: fromText(challenge),
        user: { ...user, id: fromText(user.id) },
        excludeCredentials: named(excludeCredentials),
      },
    }),
  );
}

/** Request an assertion; with `mediation: "conditional"`, from the autofill of a field. */
export function showPasskey(options, { mediation, signal } = {}) {
  const { challenge, allowCredentials } = options;
  return answered(() =>
    navigator.credentials.get({
      mediation,
      signal,
      publicKey: { ...options, challenge: fromText(challenge), allowCredentials: named(allowCredentials) },
    }),
  );
}

async function answered(work) {
  try {
    const { id, rawId, type, response } = await work();
    const told = FIELDS.filter((name) => response[name]).map((name) => [name, toText(response[name])]);
    return { id, rawId: toText(rawId), type, response: Object.fromEntries(told) };
  } catch {
    return null; // cancelled, timed out or no passkey: browsers do not distinguish these, for privacy
  }
}
