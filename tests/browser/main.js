// A frontend as one writes it: fetch, tokens in memory, no cookie. `?api=` names the service.
const api = new URLSearchParams(location.search).get("api");
const tokens = { access: null, refresh: null };

async function call(method, path, body, headers = {}) {
  const options = { method, headers };
  if (body) {
    options.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  const response = await fetch(api + path, options);
  const text = await response.text();
  const answer = text ? JSON.parse(text) : {};
  if (answer.access_token) {
    tokens.access = answer.access_token;
    tokens.refresh = answer.refresh_token;
  }
  return { status: response.status, answer, headers: Object.fromEntries(response.headers) };
}

const bearer = () => ({ Authorization: `Bearer ${tokens.access}` });

const actions = {
  register: ({ username, password }) =>
    call("POST", "/auth/register", { username, email: `${username}@example.com`, password }),
  login: ({ username, password }) => call("POST", "/auth/login", { username, password }),
  me: () => call("GET", "/auth/me", null, bearer()),
  refresh: () => call("POST", "/auth/refresh", { refresh_token: tokens.refresh }),
  logout: () => call("POST", "/auth/logout", { refresh_token: tokens.refresh }),
};

document.getElementById("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const output = document.getElementById("answer");
  output.textContent = "";
  try {
    const done = await actions[event.submitter.name](Object.fromEntries(new FormData(event.target)));
    output.textContent = JSON.stringify(done);
  } catch (problem) {
    output.textContent = JSON.stringify({ failed: problem.name });
  }
});
