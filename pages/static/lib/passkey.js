// Passkeys: what the API says, in the form that the browser takes, and the other way round.

const fromText = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const named = (list) => (list ?? []).map((each) => ({ ...each, id: fromText(each.id) }));
const FIELDS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];

/** Whether this browser has passkeys. */
export const hasPasskeys = () => "PublicKeyCredential" in globalThis;

/** Whether it offers them in the list of the field for the address. */
export const offersInField = async () =>
  hasPasskeys() && (await PublicKeyCredential.isConditionalMediationAvailable?.()) === true;

/** Have the person make one. Resolves to its JSON, or null if they thought better of it. */
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

/** Have the person show that they have one; with `mediation: "conditional"`, whenever they choose to. */
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
    return null; // said no, took too long, or has none: browsers tell these apart for nobody
  }
}
