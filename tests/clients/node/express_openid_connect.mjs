// An Express application with express-openid-connect, by its README: node express_openid_connect.mjs PORT ISSUER ID (secret: SECRET)
import express from "express";
import openid from "express-openid-connect";
import session from "express-session";

const [port, issuerBaseURL, clientID] = process.argv.slice(2);
const app = express();
app.use(
  openid.auth({
    issuerBaseURL,
    clientID,
    clientSecret: process.env.SECRET,
    baseURL: `http://127.0.0.1:${port}`,
    secret: "of-a-test-".repeat(4),
    authRequired: false,
    idpLogout: true,
    backchannelLogout: true,
    session: { store: new session.MemoryStore() },
    authorizationParams: { response_type: "code", scope: "openid profile email" },
  }),
);
app.get("/", (request, response) =>
  response.json(request.oidc.isAuthenticated() ? request.oidc.user : null),
);
app.listen(Number(port), "127.0.0.1");
