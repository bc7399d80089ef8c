// openid-client: each step is a call of the library.
import * as client from "openid-client";
import { run } from "./steps.mjs";

const WAYS = {
  basic: client.ClientSecretBasic,
  post: client.ClientSecretPost,
  none: client.None,
  jwt: client.ClientSecretJwt,
};
let config;
let checks;

run({
  async configure({ issuer, id, secret, way = "basic", responseType }) {
    // Loopback has no TLS, without which the library verifies the signatures of ID tokens only if told to.
    const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks];
    config = await client.discovery(new URL(issuer), id, secret ?? undefined, WAYS[way](secret), { execute });
    if (responseType === "id_token") client.useIdTokenResponseType(config);
    if (responseType === "code id_token") client.useCodeIdTokenResponseType(config);
    return config.serverMetadata();
  },
  async begin(changes) {
    checks = {
      pkceCodeVerifier: client.randomPKCECodeVerifier(),
      expectedState: client.randomState(),
      expectedNonce: client.randomNonce(),
      idTokenExpected: true,
    };
    const parameters = {
      scope: "openid profile email",
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: "S256",
      ...changes,
    };
    const sent = Object.entries(parameters).filter(([, value]) => value !== null);
    return client.buildAuthorizationUrl(config, new URLSearchParams(sent)).href;
  },
  async finish({ url, resource, ...changes }) {
    const more = resource ? { resource } : undefined;
    const tokens = await client.authorizationCodeGrant(config, new URL(url), { ...checks, ...changes }, more);
    return { ...tokens, claims: tokens.claims() };
  },
  async refresh({ token, ...parameters }) {
    const tokens = await client.refreshTokenGrant(config, token, parameters);
    return { ...tokens, claims: tokens.claims() };
  },
  userinfo: ({ token, sub }) => client.fetchUserInfo(config, token, sub),
  revoke: ({ token }) => client.tokenRevocation(config, token),
  introspect: ({ token }) => client.tokenIntrospection(config, token),
  credentials: (parameters) => client.clientCredentialsGrant(config, parameters),
  signedRequest: async (parameters) => {
    const { privateKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
    return (await client.buildAuthorizationUrlWithJAR(config, parameters, privateKey)).href;
  },
  logout: (parameters) => client.buildEndSessionUrl(config, parameters).href,
});
