"""Parsers of settings.

A parser returns the value of a text or raises `ValueError`. The message continues a sentence that begins with
the name of the setting, and never quotes the text, which may be a secret.
"""

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

MAX_SCRYPT_BYTES = 256 * 1024 * 1024
MAX_SCRYPT_PASSES = 16
MAX_PBKDF2_ROUNDS = 5_000_000
MIN_SECRET_BYTES = 32  # RFC 7518, 3.2: an HMAC key at least as long as its digest


def boolean(text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "on": True}
    words |= {"false": False, "0": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError("must be true or false")
    return words[text.lower()]


def whole_number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,10}", text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return parse


def short_word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,32}", text):
        raise ValueError("must be 1 to 32 letters, digits, '.', '_' or '-'")
    return text


def header_name(text: str) -> str:
    """Return the name of a header. With an underscore it would have two spellings in WSGI."""
    if not re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+){0,3}", text) or len(text) > 64:
        raise ValueError("must be a header name of letters, digits and at most three hyphens")
    return text


def words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def role_names(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(words(text)))
    if len(found) > 20 or not all(re.fullmatch(r"[a-z][a-z0-9-]{0,59}", name) for name in found):
        raise ValueError("must be at most 20 names of roles such as editor, separated by commas")
    return found


def networks(text: str) -> tuple[str, ...]:
    """Return networks in CIDR notation, separated by commas."""
    try:
        return tuple(str(ipaddress.ip_network(word)) for word in words(text))
    except ValueError:  # its message quotes the text
        raise ValueError("must be networks such as 10.1.0.0/16, separated by commas") from None


def origin(text: str) -> str:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises if it is invalid
    except ValueError:  # its message quotes the text
        raise ValueError("must be a URL such as https://auth.example.com") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
        raise ValueError("must be scheme, host and port only, such as https://auth.example.com")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must not hold a query, a fragment or a user name")
    try:
        host = parts.hostname if ":" in parts.hostname else parts.hostname.encode("idna").decode()
    except UnicodeError:
        host = ""
    if not re.fullmatch(r"[a-z0-9.-]+|[0-9a-f:.]+", host):
        raise ValueError("must name a host such as auth.example.com")
    shown = f"[{host}]" if ":" in host else host
    is_default = parts.port in {None, {"http": 80, "https": 443}[parts.scheme]}
    return f"{parts.scheme}://{shown}" + ("" if is_default else f":{parts.port}")


def origins(text: str) -> tuple[str, ...]:
    """Return origins separated by commas, or `*` alone (which production refuses)."""
    return ("*",) if text.strip() == "*" else tuple(origin(word) for word in words(text))


def page(text: str) -> str:
    """Return the URL of the page of a mailed link. The token is appended as its fragment."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("must be a URL such as https://www.example.com/reset") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not re.fullmatch(r"[!-~]+", text):
        raise ValueError("must be a URL such as https://www.example.com/reset")
    if "#" in text or "@" in parts.netloc:
        raise ValueError("must not hold a fragment or a user name")
    return text


def one_line(text: str) -> str:
    """Return text that is valid in a mail header."""
    if not text.isprintable():
        raise ValueError("must be one line of printable text")
    return text


def mail_address(text: str) -> str:
    """Return the address of a sender. Its domain may be `localhost`."""
    atom, host = r"[A-Za-z0-9!#$%&'*+/=^_`{|}~-]+", r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[A-Za-z0-9.:]+\]"
    if not re.fullmatch(rf"{atom}(\.{atom})*@({host})", text):
        raise ValueError("must be an address such as no-reply@example.com")
    return text


def mail_url(text: str) -> str:
    """Return a mail URL: `file:DIR`, `smtp://[user:password@]host[:port]` or `smtps://...`."""
    if text.startswith("file:"):
        if not text.removeprefix("file:") or text.startswith("file://"):
            raise ValueError("must be file: and a folder, such as file:instance/mail")
        return text
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:  # whose own text may quote the password
        raise ValueError("must be a URL; percent-encode what is special in its password") from None
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("must start with file:, smtp:// or smtps://, and name a folder or a host")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("must end with the host or its port")
    return text


def redis_url(text: str) -> str:
    import redis  # noqa: PLC0415  (imports in 0.3 s)

    if not re.match(r"(redis|rediss|unix)://", text):
        raise ValueError("must start with redis://, rediss:// or unix://")
    try:
        redis.ConnectionPool.from_url(text).make_connection()  # does not connect
    except (ValueError, TypeError, redis.RedisError):  # whose own text may quote the password
        fault = "must be a URL with options that exist; percent-encode what is special in its password"
        raise ValueError(fault) from None
    return text


def _is_safe_endpoint(text: str) -> bool:
    """Return whether it is a URL with https, or on this machine, without user name, query and fragment."""
    try:
        parts = urlsplit(page(text))
    except ValueError:  # its message is about pages
        return False
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    return secure and not parts.query


def range_url(text: str) -> str:
    """Return the URL of a leak check. The first digits of a digest are appended."""
    if not _is_safe_endpoint(text) or not text.endswith("/"):
        raise ValueError("must be an https:// URL without a user name that ends with a slash")
    return text


def challenge_url(text: str) -> str:
    """Return the URL that checks the responses to challenges."""
    if not _is_safe_endpoint(text):
        raise ValueError("must be an https:// URL without a user name and a query")
    return text


def bearer_key(text: str) -> str:
    """Return a bearer token that clients must send."""
    if len(text) < 16:
        raise ValueError("must be at least 16 characters, chosen at random")
    return text


def database_uri(text: str) -> str:
    """Return the URL with its driver, for `postgres://` and `postgresql://` too."""
    scheme, separator, rest = text.partition("://")
    is_postgres = scheme in {"postgres", "postgresql", "postgresql+psycopg"} and bool(separator)
    hosts = rest.rpartition("@")[2] if is_postgres else ""
    if re.search(r"^[^/?]*,|[?&]host=[^&]*,", hosts):
        fault = "must not list hosts with commas; write postgresql://user@/name?host=h1:5432&host=h2:5432"
        raise ValueError(f"{fault}&target_session_attrs=read-write")
    try:
        make_url(text)
    except (ArgumentError, ValueError):  # whose own text may quote the password
        raise ValueError("must be a URL; percent-encode what is special in its password") from None
    is_writable = re.search(r"[?&]target_session_attrs=(read-write|primary)(&|$)", hosts)
    if len(re.findall(r"[?&]host=", hosts)) > 1 and not is_writable:
        raise ValueError("names several hosts: add target_session_attrs=read-write")
    if is_postgres:
        return f"postgresql+psycopg://{rest}"
    if scheme == "sqlite" and separator:
        return text
    raise ValueError("must start with sqlite:/// or postgresql://")


def is_in_memory(uri: str) -> bool:
    """Return whether the URL is an in-memory SQLite database, in any of its forms."""
    text = uri.lower()
    nameless = text.partition("?")[0].rstrip("/") == "sqlite:"
    words = (":memory:", "mode=memory", "vfs=memdb")
    return text.startswith("sqlite") and (nameless or any(word in text for word in words))


def hash_method(text: str) -> str:
    if not is_bounded_method(text):
        raise ValueError(
            "must be scrypt:N:r:p or pbkdf2:sha256:rounds; N is a power of two, and no hash may take more "
            "than 256 MiB, 16 passes or 5,000,000 rounds, nor may 132*N*r*p reach 2^31"
        )
    if text.startswith("scrypt") and int(text.split(":")[1]) < 256:
        raise ValueError("has an N below 256, for which OpenSSL has too little memory")
    return text


def is_bounded_method(method: str) -> bool:
    """Return whether a hash method, also of a stored hash, is supported and its cost is bounded."""
    found = re.fullmatch(
        r"scrypt:(\d{1,8}):([1-9]\d{0,3}):([1-9]\d{0,3})|pbkdf2:sha(?:256|512):([1-9]\d{0,8})", method
    )
    if not found:
        return False
    cost, blocks, passes, rounds = (int(group or 0) for group in found.groups())
    if rounds:
        return rounds <= MAX_PBKDF2_ROUNDS
    is_power_of_two = cost > 1 and cost.bit_count() == 1
    is_computable = 132 * cost * blocks * passes < 2**31  # what Werkzeug lets OpenSSL use, as a C int
    is_small = passes <= MAX_SCRYPT_PASSES and 128 * cost * blocks <= MAX_SCRYPT_BYTES
    return is_power_of_two and is_computable and is_small


def secret(text: str) -> str:
    """Return an HMAC key. Other key material is refused, since it may be public (CVE-2022-29217)."""
    text = text.strip()  # the line break at the end of a file
    if len(text.encode()) < MIN_SECRET_BYTES:
        raise ValueError(f"must be at least {MIN_SECRET_BYTES} bytes, chosen at random")
    if _is_key_document(text.lstrip("\ufeff").strip()):
        raise ValueError("is a PEM, SSH, DER or JWK key; it must be a random text")
    return text


def _is_key_document(text: str) -> bool:
    if "-----BEGIN" in text or re.match(r"(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+ ", text):
        return True
    if text.startswith(("{", "[")):
        try:
            document = json.loads(text)
        except ValueError:
            return False
        return isinstance(document, list) or not {"kty", "keys"}.isdisjoint(document)
    compact = "".join(text.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        der = base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    if len(der) < 3:
        return False
    # An ASN.1 SEQUENCE with the right length that contains an INTEGER, OID or SEQUENCE, as keys do.
    header = 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)
    length = int.from_bytes(der[2:header], "big") if header > 2 else der[1]
    return der[0] == 0x30 and 0 < length == len(der) - header and der[header] in {0x02, 0x06, 0x30}


def secrets(text: str) -> tuple[str, ...]:
    return tuple(secret(word) for word in words(text))


def is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or bool(re.fullmatch(r"127\.\d+\.\d+\.\d+", host))
