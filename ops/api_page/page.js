// Starts Swagger UI and reuses the access token: the token of a response is sent with the next requests.
// The token is stored in this page's memory only, until the page is closed.

const state = document.getElementById("state");

const ui = SwaggerUIBundle({
  dom_id: "#api",
  url: "/openapi.json",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  validatorUrl: null, // the tests validate the description; no other server is asked
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
