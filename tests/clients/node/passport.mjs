// An Express application with passport-openidconnect, by its README: node passport.mjs PORT ISSUER ID (secret: SECRET)
import express from "express";
import session from "express-session";
import passport from "passport";
import OpenIDConnectStrategy from "passport-openidconnect";

const [port, issuer, clientID] = process.argv.slice(2);
const url = `http://127.0.0.1:${port}`;
const verify = (issuer, profile, context, idToken, accessToken, refreshToken, done) =>
  done(null, { issuer, profile, hasRefreshToken: Boolean(refreshToken) });

passport.use(
  new OpenIDConnectStrategy(
    {
      issuer,
      authorizationURL: `${issuer}/oauth/authorize`,
      tokenURL: `${issuer}/oauth/token`,
      userInfoURL: `${issuer}/oauth/userinfo`,
      clientID,
      clientSecret: process.env.SECRET,
      callbackURL: `${url}/oauth2/redirect`,
      scope: ["profile", "email"],
      skipUserProfile: false,
    },
    verify,
  ),
);
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));

const app = express();
app.use(session({ name: "app", secret: "of-a-test", resave: false, saveUninitialized: false }));
app.use(passport.authenticate("session"));
app.get("/login", passport.authenticate("openidconnect"));
app.get(
  "/oauth2/redirect",
  passport.authenticate("openidconnect", { failureRedirect: "/failed", failureMessage: true }),
  (request, response) => response.redirect("/"),
);
app.get("/failed", (request, response) => response.send(request.session.messages?.join() ?? ""));
app.get("/", (request, response) => response.json(request.user ?? null));
app.use((error, request, response, next) => response.status(400).send(`${error.name}: ${error.code}`));
app.listen(Number(port), "127.0.0.1");
