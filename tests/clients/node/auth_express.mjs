// An Express application with Auth.js (@auth/core), by its guide: node auth_express.mjs PORT ISSUER ID (secret: SECRET)
import { ExpressAuth, getSession } from "@auth/express";
import express from "express";

const [port, issuer, clientId] = process.argv.slice(2);
const config = {
  basePath: "/auth",
  trustHost: true,
  secret: "of-a-test-".repeat(4),
  providers: [
    {
      id: "provider",
      name: "Provider",
      type: "oidc",
      issuer,
      clientId,
      clientSecret: process.env.SECRET,
      checks: ["pkce", "state", "nonce"],
      authorization: { params: { scope: "openid profile email" } },
    },
  ],
  callbacks: {
    jwt: ({ token, account, profile }) => (profile ? { ...token, profile, isNew: Boolean(account) } : token),
    session: ({ session, token }) => ({ ...session, profile: token.profile }),
  },
};
const app = express();
app.use("/auth", ExpressAuth(config));
app.get("/", async (request, response) => response.json(await getSession(request, config)));
app.listen(Number(port), "127.0.0.1");
