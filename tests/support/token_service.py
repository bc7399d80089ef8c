"""The service on loopback with a resource, for verifiers of access tokens."""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from typing import Any
from uuid import uuid4

from auth_guard.tokens import TokenVerifier
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.conftest import AppFactory
from tests.support.grants import RESOURCE, grant_row, resource_row, session_ids
from tests.support.oauth import SECRET, client_row
from tests.support.service import FixedClock, bearer, signed_in
from utils.services import services


class Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        pass


class Service:
    """The service on loopback. Paths in `away` fail. Verifiers have the clock of the app.

    `queries` are those of the feed; while `refused`, it refuses every cursor.
    """

    def __init__(self, make_app: AppFactory, clock: FixedClock) -> None:
        self.away: set[str] = set()
        self.asked: list[str] = []
        self.queries: list[str] = []
        self.refused = False
        self.clock = clock
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=Quiet)
        self.url = f"http://localhost:{self._server.port}"
        self.app = make_app({"PUBLIC_URL": self.url})
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        client_row(self.app, "app")
        client_row(self.app, "api", kind="resource")
        resource_row(self.app, "api")
        self.access = signed_in(self.app.test_client())["access_token"]
        (self.session,) = session_ids(self.app)
        self.gid = grant_row(self.app, self.session, resource=RESOURCE)

    def _answer(self, environ: Any, start_response: Callable[..., Any]) -> Any:
        self.asked.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] in self.away:
            start_response("503 Away", [("Content-Length", "0")])
            return [b""]
        if environ["PATH_INFO"] == "/oauth/revocations":
            self.queries.append(environ["QUERY_STRING"])
            if self.refused and environ["QUERY_STRING"]:
                environ["QUERY_STRING"] = "after=x"
        return self.app(environ, start_response)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def token(self, typ: str = "at+jwt", alg: str = "ES256", **changes: Any) -> str:
        """Return an access token of the grant, with changes."""
        now = self.clock.now()
        claims = {
            "aud": RESOURCE,
            "sub": "1",
            "client_id": "app",
            "scope": "openid orders:read",
            "gid": str(self.gid),
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=10)).timestamp()),
            "jti": str(uuid4()),
        } | changes
        with self.app.app_context():
            text = services().signer.sign(services(), alg, typ, claims)
            services().tx().commit()
        return f"Bearer {text}"

    def verifier(self, **more: Any) -> TokenVerifier:
        def now() -> float:
            return self.clock.now().timestamp()

        times: dict[str, Any] = {"clock": now, "monotonic": now}
        return TokenVerifier(self.url, RESOURCE, "api", SECRET, **(times | more))

    def log_out(self) -> None:
        answer = self.app.test_client().post("/auth/logout", headers=bearer(self.access))
        assert answer.status_code == 204
