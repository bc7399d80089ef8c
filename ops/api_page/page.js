// Starts Swagger UI, and keeps it signed in: a token that a call returns is used by the next ones.
// The token lives in this page's memory only and is gone when the page is closed.

const state = document.getElementById("state");

const ui = SwaggerUIBundle({
  dom_id: "#api",
  url: "/openapi.json",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  validatorUrl: null, // the description is validated by tests, not by a foreign server
  responseInterceptor: (response) => {
    if (response.ok && response.body && response.body.access_token) {
      signIn(response.body.access_token);
    }
    if (response.ok && response.url.endsWith("/auth/logout")) {
      signOut();
    }
    return response;
  },
});

function signIn(token) {
  ui.preauthorizeApiKey("bearer", token);
  state.textContent = "Signed in: the calls below carry your access token.";
}

function signOut() {
  ui.authActions.logout(["bearer"]);
  state.textContent = "Not signed in.";
}
