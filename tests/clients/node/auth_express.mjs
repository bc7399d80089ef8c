// An Express application with Auth.js (@auth/core), as the snippet for Next.js configures it: node auth_express.mjs PORT
import { ExpressAuth, getSession } from "@auth/express";
import express from "express";
import { handlers } from "./auth.mjs";

const port = process.argv[2];
const config = {
  basePath: "/auth",
  trustHost: true,
  secret: "of-a-test-".repeat(4),
  ...handlers, // what the snippet configures
  callbacks: {
    jwt: ({ token, account, profile }) => (profile ? { ...token, profile, isNew: Boolean(account) } : token),
    session: ({ session, token }) => ({ ...session, profile: token.profile }),
  },
};
const app = express();
app.use("/auth", ExpressAuth(config));
app.get("/", async (request, response) => response.json(await getSession(request, config)));
app.listen(Number(port), "127.0.0.1");
