// oauth4webapi, the layer below: each answer is validated by the library.
import * as oauth from "oauth4webapi";
import { run } from "./steps.mjs";

const insecure = { [oauth.allowInsecureRequests]: true }; // loopback has no TLS
const WAYS = { basic: oauth.ClientSecretBasic, post: oauth.ClientSecretPost, none: oauth.None };
let server, client, way, checks;

async function authenticated({ issuer, id, secret, way: name = "basic", algorithm = "oidc" }) {
  const response = await oauth.discoveryRequest(new URL(issuer), { ...insecure, algorithm });
  server = await oauth.processDiscoveryResponse(new URL(issuer), response);
  client = { client_id: id };
  way = WAYS[name](secret);
  return server;
}

run({
  configure: authenticated,
  async begin({ redirect_uri, ...parameters }) {
    checks = {
      redirect_uri,
      verifier: oauth.generateRandomCodeVerifier(),
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
    };
    const url = new URL(server.authorization_endpoint);
    url.search = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri,
      response_type: "code",
      scope: "openid email",
      state: checks.state,
      nonce: checks.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(checks.verifier),
      code_challenge_method: "S256",
      ...parameters,
    });
    return url.href;
  },
  async finish({ url, maxAge }) {
    const answer = oauth.validateAuthResponse(server, client, new URL(url), checks.state); // and `iss`
    const { redirect_uri, verifier } = checks;
    const response = await oauth.authorizationCodeGrantRequest(
      server, client, way, answer, redirect_uri, verifier, insecure,
    );
    const expected = { expectedNonce: checks.nonce, maxAge, requireIdToken: true };
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, expected);
    await oauth.validateApplicationLevelSignature(server, response, insecure); // by the published keys
    return { ...tokens, claims: oauth.getValidatedIdTokenClaims(tokens) };
  },
  async refresh({ token }) {
    const response = await oauth.refreshTokenGrantRequest(server, client, way, token, insecure);
    return oauth.processRefreshTokenResponse(server, client, response);
  },
  async userinfo({ token, sub }) {
    const response = await oauth.userInfoRequest(server, client, token, insecure);
    return oauth.processUserInfoResponse(server, client, sub, response);
  },
  async accessToken({ token, audience }) { // as an API does, offline (RFC 9068)
    const request = new Request("https://api.example.com/orders", { headers: { Authorization: `Bearer ${token}` } });
    return oauth.validateJwtAccessToken(server, request, audience, insecure);
  },
  async introspect({ token }) {
    const response = await oauth.introspectionRequest(server, client, way, token, insecure);
    return oauth.processIntrospectionResponse(server, client, response);
  },
  async revoke({ token }) {
    await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, way, token, insecure));
  },
});
