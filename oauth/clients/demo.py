"""`flask auth demo-client`: a small application on this machine that logs in with this service.

It is a public client with PKCE, whose address is on `localhost`. It keeps nothing but a cookie for the time
of a login, and shows what userinfo tells. For development only.
"""

import base64
import contextlib
import hashlib
import html
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode

from auth.roles.actors import Operator
from oauth.clients import registration
from oauth.clients.definition import Definition
from oauth.clients.errors import ClientInvalid, ClientNotFound
from utils.services import Services

CLIENT_ID = "demo"
REDIRECT = "http://localhost/callback"  # with any port, as it is a native client
COOKIE = "demo_login"
TIMEOUT = 10  # seconds

Call = Callable[[str, Mapping[str, str] | None, Mapping[str, str]], dict[str, object]]


def register(services: Services, operator: Operator) -> None:
    """Register the client `demo` unless it is. Raises `ClientInvalid` in production."""
    if services.settings.production:
        raise ClientInvalid("The demo client is for development only.")
    if not services.settings.oauth_provider:
        raise ClientInvalid("The provider is off: set OAUTH_PROVIDER=true.")
    try:
        found = registration.find_by_id(services, CLIENT_ID)
    except ClientNotFound:
        definition = Definition(name="Demo", kind="native", redirect_uris=(REDIRECT,))
        registration.add(services, operator, definition, CLIENT_ID)
        return
    if found.definition.redirect_uris != (REDIRECT,) or found.row.client.kind != "native":
        raise ClientInvalid("Another client has the id demo.")


@dataclass(frozen=True, slots=True)
class Demo:
    """The application: pages by path, and the calls that it makes."""

    issuer: str
    address: str  # such as http://localhost:8001
    call: Call

    @property
    def redirect_uri(self) -> str:
        return f"{self.address}/callback"

    def login(self) -> tuple[str, str]:
        """Return where to send the browser, and the value of the cookie: state and PKCE verifier."""
        state, verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": self.redirect_uri,
            "scope": "openid profile email",
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{self.issuer}/oauth/authorize?{urlencode(query)}", f"{state}.{verifier}"

    def callback(self, query: str, cookie: str) -> str:
        """Return the page of a login that came back. It never shows a token."""
        given = {name: values[0] for name, values in parse_qs(query).items()}
        state, _, verifier = cookie.partition(".")
        if not state or not secrets.compare_digest(given.get("state", "").encode(), state.encode()):
            return page("The login was begun in another browser, or is over.", {})
        if given.get("iss") != self.issuer:
            return page("The answer is not from this service.", {})
        if "code" not in given:
            shown: dict[str, object] = {
                name: given[name] for name in ("error", "error_description") if name in given
            }
            return page("The login was refused.", shown)
        form = {
            "grant_type": "authorization_code",
            "client_id": CLIENT_ID,
            "code": given["code"],
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
        }
        tokens = self.call(f"{self.issuer}/oauth/token", form, {})
        if "access_token" not in tokens:
            return page("The code was refused.", tokens)
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        claims = self.call(f"{self.issuer}/oauth/userinfo", None, bearer)
        return page("You are logged in.", claims, "Log in again")


def page(title: str, facts: Mapping[str, object], link: str = "Log in") -> str:
    """Return a page with facts as a table, and a link that begins a login. Everything is escaped."""
    rows = "".join(
        f"<tr><th>{html.escape(str(name))}</th><td>{html.escape(str(value))}</td></tr>"
        for name, value in facts.items()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Demo</title>'
        f"<h1>{html.escape(title)}</h1><table>{rows}</table>"
        f'<p><a href="/login">{html.escape(link)}</a></p></html>'
    )


def call(url: str, form: Mapping[str, str] | None, headers: Mapping[str, str]) -> dict[str, object]:
    """Return the JSON object that an endpoint answers, errors too."""
    body = urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(url, body, dict(headers))  # noqa: S310  (the issuer of the settings)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
            found = json.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        try:
            found = json.loads(refusal.read())
        except ValueError:
            found = {"error": f"status {refusal.code}"}
    except (OSError, ValueError) as problem:
        found = {"error": f"{url} does not answer ({type(problem).__name__}). Is the service running?"}
    return found if isinstance(found, dict) else {}


def server(issuer: str, port: int, call: Call = call) -> ThreadingHTTPServer:
    """Return the application as a server on loopback. With port 0 the system chooses one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            demo = Demo(issuer, f"http://localhost:{self.server.server_port}", call)  # type: ignore[attr-defined]
            path, _, query = self.path.partition("?")
            if path == "/login":
                location, cookie = demo.login()
                self._answer(303, "", Location=location, **{"Set-Cookie": _cookie(cookie, 600)})
            elif path == "/callback":
                text = demo.callback(query, _value(self.headers.get("Cookie", "")))
                self._answer(200, text, **{"Set-Cookie": _cookie("", 0)})
            elif path == "/":
                self._answer(200, page("A demo application", {}))
            else:
                self._answer(404, page("There is nothing here.", {}))

        def _answer(self, status: int, text: str, **headers: str) -> None:
            body = text.encode()
            self.send_response(status)
            policy = "default-src 'none'; frame-ancestors 'none'"
            fixed = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
            fixed |= {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
            for name, value in {**fixed, "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write no log: the address of a callback has a code."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def serve(issuer: str, port: int, ready: Callable[[str], None]) -> str:
    """Serve until interrupted, and return the address, which `ready` gets before.

    Raises `ClientInvalid` if the port is taken.
    """
    try:
        made = server(issuer, port)
    except OSError:
        raise ClientInvalid("The port is in use: choose another one with --port.") from None
    address = f"http://localhost:{made.server_port}"
    with made:
        ready(address)
        with contextlib.suppress(KeyboardInterrupt):
            made.serve_forever()
    return address


def _cookie(value: str, age: int) -> str:
    return f"{COOKIE}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax"


def _value(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
