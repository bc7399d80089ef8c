"""The guard: what it asks, what it takes for a yes, and what it remembers."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from auth_guard import Caller, Forbidden, Guard, Refusal, Unauthorized, Unavailable
from auth_guard import guard as guard_module

from tests.support.certificates import Authority
from tests.support.scripted_server import ScriptedServer, scripted

YES = b"HTTP/1.1 204 No Content\r\nX-Auth-User-Id: 7\r\nX-Auth-Username: gr%C3%BCn\r\n\r\n"
HEADER = "Bearer a.b.c"


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted(YES) as server:
        yield server


def refused(script: bytes, *permissions: str) -> Refusal:
    """Return how a guard refuses this answer of the service."""
    with scripted(script) as server:
        made = Guard(server.url)
        with pytest.raises(Refusal) as refusal:
            made.check(HEADER, *permissions)
        made.close()
        return refusal.value


def test_only_the_token_the_permissions_and_a_nonce_are_sent(server: ScriptedServer) -> None:
    made = Guard(f"{server.url}/base/")
    assert made.check("bearer   a.b.c ", "reports:read", "reports:write") == Caller(7, "grün")
    made.check(HEADER)
    made.close()
    first, second = (request.decode().split("\r\n") for request in server.requests)
    assert first[0] == "GET /base/auth/verify?permission=reports:read&permission=reports:write HTTP/1.1"
    assert second[0] == "GET /base/auth/verify HTTP/1.1"
    names = {line.partition(":")[0] for line in first[1:] if line}
    assert names == {"Host", "Accept-Encoding", "Authorization", "X-Auth-Nonce"}
    assert "Authorization: Bearer a.b.c" in first


@pytest.mark.parametrize(
    "header",
    [
        "Basic YTpi",
        "a.b.c",
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer a, Bearer b",
        "Bearer a\r\nX: b",
        "Bearer ä",
        "Bearer a\x00",
        "Bearer\ta",
        "Bearer " + "a" * 4097,
        " ",
    ],
)
def test_malformed_header_is_refused_without_a_question(server: ScriptedServer, header: str) -> None:
    made = Guard(server.url)
    with pytest.raises(Unauthorized) as refusal:
        made.check(header, "reports:read")
    assert refusal.value.body["code"] == "token_malformed"
    assert refusal.value.headers["WWW-Authenticate"] == 'Bearer error="invalid_request"'
    for missing in (None, ""):
        with pytest.raises(Unauthorized) as refusal:
            made.check(missing, "reports:read")
        assert refusal.value.body["code"] == "token_missing"
    assert server.requests == []


UNKNOWN = {
    "another success": answer("200 OK", b"", "X-Auth-User-Id: 7", "X-Auth-Username: ada"),
    "without an account": answer("204 No Content"),
    "without a name": answer("204 No Content", b"", "X-Auth-User-Id: 7"),
    "two accounts": answer(
        "204 No Content", b"", "X-Auth-User-Id: 7", "X-Auth-User-Id: 8", "X-Auth-Username: ada"
    ),
    "no id": answer("204 No Content", b"", "X-Auth-User-Id: ada", "X-Auth-Username: ada"),
    "id zero": answer("204 No Content", b"", "X-Auth-User-Id: 0", "X-Auth-Username: ada"),
    "signed id": answer("204 No Content", b"", "X-Auth-User-Id: -7", "X-Auth-Username: ada"),
    "two ids in one": answer("204 No Content", b"", "X-Auth-User-Id: 7, 8", "X-Auth-Username: ada"),
    "no nonce": answer("204 No Content", b"", "X-Auth-User-Id: 7", "X-Auth-Username: ada", "X-Auth-Nonce: "),
    "refusal with another nonce": answer("403 Forbidden", b"{}", f"X-Auth-Nonce: {'a' * 32}"),
    "two nonces": answer(
        "204 No Content",
        b"",
        "X-Auth-User-Id: 7",
        "X-Auth-Username: ada",
        *[f"X-Auth-Nonce: {digit * 32}" for digit in "ab"],
    ),
    "empty name": answer("204 No Content", b"", "X-Auth-User-Id: 7", "X-Auth-Username: "),
    "line break in the name": answer(
        "204 No Content", b"", "X-Auth-User-Id: 7", "X-Auth-Username: ada%0d%0aX:%20y"
    ),
    "line break in the id": answer("204 No Content", b"", "X-Auth-User-Id: 7\r\n 8", "X-Auth-Username: ada"),
    "NUL in the name": answer("204 No Content", b"", "X-Auth-User-Id: 7", "X-Auth-Username: ada%00"),
    "C1 control in the name": answer(
        "204 No Content", b"", "X-Auth-User-Id: 7", "X-Auth-Username: ada%C2%85"
    ),
    "line separator in the name": answer(
        "204 No Content", b"", "X-Auth-User-Id: 7", "X-Auth-Username: ada%E2%80%A8"
    ),
    "control in the challenge": answer("401 Unauthorized", b"{}", "WWW-Authenticate: Bearer\x00"),
    "early hints": answer("103 Early Hints"),
    "not found": answer("404 Not Found", b'{"code": "not_found"}'),
    "limited": answer("429 Too Many Requests", b'{"code": "rate_limited"}'),
    "failure": answer("500 Internal Server Error", b'{"code": "internal_error"}'),
    "busy": answer("503 Service Unavailable", b'{"code": "unavailable"}'),
    "page of a proxy": answer("403 Forbidden", b"<html>"),
    "list": answer("401 Unauthorized", b"[]"),
    "deep": answer("401 Unauthorized", b"[" * 60_000),
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "no protocol": b"204\r\n\r\n",
    "nothing": b"",
    "long header": b"HTTP/1.1 204 No Content\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    "many headers": b"HTTP/1.1 204 No Content\r\n" + b"X: a\r\n" * 200 + b"\r\n",
    "long body": answer("403 Forbidden", json.dumps({"message": "x" * 100_000}).encode()),
}


@pytest.mark.parametrize("script", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_answer_is_unavailable(script: bytes) -> None:
    refusal = refused(script, "reports:read")
    assert (type(refusal), refusal.status) == (Unavailable, 503)
    assert refusal.body == {"code": "unavailable", "message": Unavailable.message}


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Moved"]
)
def test_redirect_is_not_followed(server: ScriptedServer, status: str) -> None:
    assert type(refused(answer(status, b"", f"Location: {server.url}/auth/verify"))) is Unavailable
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "kind"), [("401 Unauthorized", Unauthorized), ("403 Forbidden", Forbidden)]
)
def test_refusal_of_the_service_is_passed_on(status: str, kind: type[Refusal]) -> None:
    body = {"code": "some_code", "message": "Why.", "request_id": "1f"}
    challenge = 'Bearer error="insufficient_scope",\r\n scope="reports:read"'
    refusal = refused(
        answer(status, json.dumps(body).encode(), f"WWW-Authenticate: {challenge}", "X-Other: 1")
    )
    assert type(refusal) is kind
    assert refusal.body == body
    assert refusal.headers == {
        "Cache-Control": "no-store",
        "WWW-Authenticate": 'Bearer error="insufficient_scope", scope="reports:read"',
    }


def test_text_of_a_refusal_holds_nothing_that_was_sent() -> None:
    for script in (*UNKNOWN.values(), answer("401 Unauthorized", b'{"code": "a.b.c"}')):
        assert "a.b.c" not in repr(refused(script))


def test_service_that_is_down_is_unavailable(server: ScriptedServer) -> None:
    made = Guard(server.url)
    server.close()
    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        made.check(HEADER)


@pytest.mark.parametrize(
    "permissions",
    [
        ("",),
        ("reports",),
        ("reports:*",),
        ("Reports:read",),
        ("reports:read ",),
        ("reports:read\n",),
        ("a" * 41 + ":read",),
        ("reports:read&x:y",),
        tuple(f"a:b{number}" for number in range(21)),
    ],
)
def test_malformed_permission_is_an_error_of_the_program(
    server: ScriptedServer, permissions: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match="thing:verb"):
        Guard(server.url).check(HEADER, *permissions)
    assert server.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://auth.internal:8000",
        "http://192.168.1.9",
        "http://127.0.0.1.example.com",
        "http://[::2]",
        "http://localhost.example.com",
        "http://127.1",
    ],
)
def test_plain_http_to_another_host_must_be_allowed(url: str) -> None:
    with pytest.raises(ValueError, match="allow_plain_http"):
        Guard(url)
    Guard(url, allow_plain_http=True)


@pytest.mark.parametrize(
    "url", ["http://localhost", "http://127.0.0.1:8000", "http://[::1]:8000", "http://127.9.9.9"]
)
def test_plain_http_to_loopback_is_allowed(url: str) -> None:
    Guard(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "auth.example.com",
        "ftp://auth.example.com",
        "https://",
        "https://a@auth.example.com",
        "https://auth.example.com?x=1",
        "https://auth.example.com#x",
        "https://auth.example.com:port",
    ],
)
def test_malformed_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|[Pp]ort"):
        Guard(url)


@pytest.mark.parametrize(
    "numbers", [{"cache_seconds": -1}, {"cache_seconds": 30.5}, {"cache_seconds": float("nan")}]
)
def test_cache_is_30_seconds_at_most(numbers: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="cache_seconds"):
        Guard("https://auth.example.com", **numbers)  # type: ignore[arg-type]
    Guard("https://auth.example.com", cache_seconds=30)


@pytest.mark.parametrize("timeout", [0, -1, 61, float("nan"), float("inf")])
def test_timeout_is_a_minute_at_most(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        Guard("https://auth.example.com", timeout=timeout)


def test_certificate_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    with scripted(YES, authority.context("localhost")) as server:
        with pytest.raises(Unavailable, match="SSLCertVerificationError"):
            Guard(server.url).check(HEADER)
        assert server.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
        made = Guard(server.url)
        assert [made.check(HEADER).user_id for _ in range(2)] == [7, 7]
        assert server.connections == 1  # kept
        made.close()


PACKAGE = Path(guard_module.__file__).parent


def test_package_is_small_typed_and_needs_the_standard_library_only() -> None:
    # Not imported: `tokens.py` and the feed that it reads, which need the extra `tokens`, and `django.py`.
    apart = {"tokens.py", "feed.py", "django.py"}
    paths = [path for path in PACKAGE.glob("*.py") if path.name not in apart]
    sources = {path.name: path.read_text("utf-8") for path in paths}
    assert sum(text.count("\n") for text in sources.values()) < 340
    assert (PACKAGE / "py.typed").exists()
    imported = {
        name.partition(".")[0]
        for text in sources.values()
        for name in re.findall(r"^(?:from|import) ([\w.]+)", text, re.MULTILINE)
    }
    assert imported - {"auth_guard"} <= sys.stdlib_module_names
