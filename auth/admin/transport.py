"""Whether connections to Postgres and Redis are encrypted (ASVS 12.3.1). Mail requires TLS itself."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from sqlalchemy import make_url

from auth.admin.finding import Finding
from config import Settings, is_loopback

CHECK = "encryption"


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield a warning for each connection to another machine without verified TLS, in production."""
    if not settings.production:
        return
    found = []
    if _is_exposed_postgres(settings.database_uri):
        advice = "End DATABASE_URI with ?sslmode=verify-full&sslrootcert=FILE, or keep the network private."
        found.append(Finding(CHECK, "warning", "Postgres is not reached by verified TLS.", advice))
    if settings.redis_url and _is_exposed_redis(settings.redis_url):
        advice = "Begin REDIS_URL with rediss://, or keep the network private."
        found.append(Finding(CHECK, "warning", "Redis is not reached by TLS.", advice))
    yield from found or [Finding(CHECK, "ok", "Connections to other machines are encrypted.")]


def _is_exposed_postgres(uri: str) -> bool:
    url = make_url(uri)
    if url.get_backend_name() != "postgresql" or "verify-full" in url.normalized_query.get("sslmode", ()):
        return False
    hosts = [url.host or "", *(host.partition(":")[0] for host in url.normalized_query.get("host", ()))]
    return any(host and not host.startswith("/") and not is_loopback(host) for host in hosts)


def _is_exposed_redis(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "redis" and not is_loopback(parts.hostname or "localhost")
