// arctic's client for any server, step by step: reads and writes lines of JSON.
import { OAuth2Client, CodeChallengeMethod, decodeIdToken, generateCodeVerifier, generateState } from "arctic";
import { run } from "./steps.mjs";

let client, issuer, verifier;
const told = (tokens) => ({
  access_token: tokens.accessToken(),
  refresh_token: tokens.refreshToken(),
  expires_at: tokens.accessTokenExpiresAt(),
  scopes: tokens.scopes(),
  claims: decodeIdToken(tokens.idToken()),
});

await run({
  configure({ issuer: url, id, secret, redirect_uri }) {
    issuer = url;
    client = new OAuth2Client(id, secret ?? null, redirect_uri);
  },
  begin({ scopes }) {
    verifier = generateCodeVerifier();
    const url = `${issuer}/oauth/authorize`;
    return client.createAuthorizationURLWithPKCE(url, generateState(), CodeChallengeMethod.S256, verifier, scopes).href;
  },
  async finish({ url }) {
    const code = new URL(url).searchParams.get("code");
    return told(await client.validateAuthorizationCode(`${issuer}/oauth/token`, code, verifier));
  },
  async refresh({ token }) {
    return told(await client.refreshAccessToken(`${issuer}/oauth/token`, token, []));
  },
  revoke: ({ token }) => client.revokeToken(`${issuer}/oauth/revoke`, token),
});
