// An Express application with Better Auth's generic OAuth plugin: node better_auth.mjs PORT ISSUER ID (secret: SECRET)
import { randomBytes } from "node:crypto";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { fromNodeHeaders, toNodeHandler } from "better-auth/node";
import { genericOAuth } from "better-auth/plugins";
import express from "express";

const [port, issuer, clientId] = process.argv.slice(2);
const url = `http://127.0.0.1:${port}`;
const auth = betterAuth({
  baseURL: url,
  secret: randomBytes(32).toString("hex"),
  database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
  plugins: [
    genericOAuth({
      config: [
        {
          providerId: "provider",
          discoveryUrl: `${issuer}/.well-known/openid-configuration`,
          clientId,
          clientSecret: process.env.SECRET,
          scopes: ["openid", "profile", "email"],
          pkce: true,
        },
      ],
    }),
  ],
});
const app = express();
app.all("/api/auth/{*any}", toNodeHandler(auth));
app.get("/login", async (request, response) => {
  const body = { provider: "provider", callbackURL: "/" };
  const { headers, response: found } = await auth.api.signInSocial({ body, returnHeaders: true });
  response.setHeader("Set-Cookie", headers.getSetCookie());
  response.redirect(found.url);
});
app.get("/", async (request, response) =>
  response.json(await auth.api.getSession({ headers: fromNodeHeaders(request.headers) })),
);
app.listen(Number(port), "127.0.0.1");
