"""`make pin-images`: write the digest of each image behind its tag, as Docker Hub states it.

Nothing is written unless every digest was read from the registry and matches its manifest.
"""

import hashlib
import http.client
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

DOCKER_HUB = "https://registry-1.docker.io"
REFERENCES = {"Dockerfile": r"^FROM ", "deploy/compose.yaml": r"^ +image: "}
OWN = "auth-service"  # built here, so no registry knows its digest
NAME = r"(?P<name>[a-z0-9/_-]+:[A-Za-z0-9._-]+)(?:@sha256:[0-9a-f]{64})?"
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)
MAX_ANSWER = 4 * 1024 * 1024  # bytes; the limit of manifests in the distribution specification
TIMEOUT = 20  # seconds


class Unpinnable(Exception):
    """A digest could not be read; the message says why."""


def pin(root: Path, registry: str = DOCKER_HUB) -> dict[str, str]:
    """Write the digests of all images into the files, and return them by name. Raises `Unpinnable`."""
    texts = {file: (root / file).read_text("utf-8") for file in REFERENCES}
    patterns = {file: re.compile(before + NAME, re.MULTILINE) for file, before in REFERENCES.items()}
    names = {found["name"] for file, text in texts.items() for found in patterns[file].finditer(text)}
    digests = {name: digest(name, registry) for name in sorted(names) if not name.startswith(f"{OWN}:")}
    for file, text in texts.items():
        (root / file).write_text(patterns[file].sub(lambda found: _pinned(found, digests), text), "utf-8")
    return digests


def _pinned(found: re.Match[str], digests: dict[str, str]) -> str:
    name = found["name"]
    before = found[0][: found.start("name") - found.start()]
    return f"{before}{name}@{digests[name]}" if name in digests else found[0]


def digest(name: str, registry: str = DOCKER_HUB) -> str:
    """Return the digest of the manifest of an image, for all its platforms. Raises `Unpinnable`."""
    repository, _, tag = name.partition(":")
    path = repository if "/" in repository else f"library/{repository}"
    url = f"{registry}/v2/{path}/manifests/{tag}"
    try:
        body, stated = _manifest(url, {"Accept": MANIFESTS})
    except (OSError, ValueError, http.client.HTTPException) as problem:
        raise Unpinnable(f"{name}: {registry} did not answer as it should ({problem})") from None
    computed = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if stated != computed:
        raise Unpinnable(f"{name}: the digest of the registry is not that of its manifest")
    return computed


def _manifest(url: str, headers: dict[str, str]) -> tuple[bytes, str]:
    """Return a manifest and the digest that the registry states. Asks for a token if it must."""
    try:
        return _got(url, headers)
    except urllib.error.HTTPError as refusal:
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', refusal.headers.get("WWW-Authenticate", "")))
        refusal.close()
        if refusal.code != 401 or urllib.parse.urlsplit(challenge.get("realm", "")).scheme != _scheme(url):
            raise
    query = urllib.parse.urlencode({key: challenge[key] for key in ("service", "scope") if key in challenge})
    answer, _ = _got(f"{challenge['realm']}?{query}", {})
    return _got(url, headers | {"Authorization": f"Bearer {_token(json.loads(answer))}"})


def _token(answer: Any) -> str:
    """Return the token of this answer, which registries name differently."""
    for name in ("token", "access_token"):
        if isinstance(answer, dict) and isinstance(token := answer.get(name), str):
            return token
    raise ValueError("it gave no token")


def _got(url: str, headers: dict[str, str]) -> tuple[bytes, str]:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT) as answer:
        return answer.read(MAX_ANSWER), answer.headers.get("Docker-Content-Digest", "")


def _scheme(url: str) -> str:
    return urllib.parse.urlsplit(url).scheme


def main(arguments: list[str]) -> None:
    root = Path(__file__).parent.parent
    try:
        pinned = pin(root, *arguments)
    except Unpinnable as problem:
        sys.exit(f"{problem}. No file was changed.")
    for name, value in pinned.items():
        print(f"{name}@{value}")


if __name__ == "__main__":
    main(sys.argv[1:2])
