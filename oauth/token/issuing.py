"""The tokens of a grant: access token (RFC 9068), ID token (OpenID Connect Core, 2) and refresh token."""

import base64
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import uuid4

from models import Account
from oauth import access_tokens, claims, tokens
from oauth.stores.grants import Grant
from tables.oauth import Client
from utils.services import Services

ID_TOKEN = "JWT"
ID_TOKEN_LIFETIME = 3600  # seconds


class Person(NamedTuple):
    """Whom the tokens are about."""

    account: Account
    roles: Sequence[str]  # of the application


class Issued(NamedTuple):
    """The tokens of an answer. `expires_in` is in seconds; only with `openid` there is an ID token."""

    access_token: str
    expires_in: int
    scopes: Sequence[str]
    refresh_token: str
    id_token: str | None


def issue(
    services: Services,
    client: Client,
    grant: Grant,
    person: Person,
    scopes: Sequence[str],
    now: datetime,
    *,
    nonce: str | None = None,
) -> Issued:
    """Return the tokens of the grant's present generation, which always has the same refresh token."""
    lifetime = services.settings.oauth_access_token_lifetime
    access = _access_token(services, grant, scopes, now, lifetime)
    id_token = None
    if "openid" in scopes:
        id_token = _id_token(services, client, grant, person, scopes, now, access, nonce)
    return Issued(access, lifetime, scopes, tokens.refresh(services, grant), id_token)


def _access_token(
    services: Services, grant: Grant, scopes: Sequence[str], now: datetime, lifetime: int
) -> str:
    issued_at = int(now.timestamp())
    content = {
        "sub": str(grant.user_id),
        "aud": grant.resource or tokens.userinfo_audience(services),
        "client_id": grant.client_id,
        "scope": " ".join(scopes),
        "gid": str(grant.id),
        "auth_time": int(grant.auth_time.timestamp()),
        "iat": issued_at,
        "exp": issued_at + lifetime,
        "jti": uuid4().hex,
    }
    return services.signer.sign(services, access_tokens.ALG, access_tokens.TYPE, content)


def _id_token(
    services: Services,
    client: Client,
    grant: Grant,
    person: Person,
    scopes: Sequence[str],
    now: datetime,
    access_token: str,
    nonce: str | None,
) -> str:
    issued_at = int(now.timestamp())
    told = scopes if client.claims_in_id_token else ()
    content = claims.about(
        person.account, told, takes_unverified=client.takes_unverified, roles=person.roles
    ) | {
        "aud": client.id,
        "sid": grant.sid,
        "auth_time": int(grant.auth_time.timestamp()),
        "amr": grant.amr.split(),
        "at_hash": at_hash(access_token),
        "iat": issued_at,
        "exp": issued_at + ID_TOKEN_LIFETIME,
    }
    if nonce is not None:
        content["nonce"] = nonce
    return services.signer.sign(services, client.id_token_alg, ID_TOKEN, content)


def at_hash(access_token: str) -> str:
    """Return the hash of an access token for RS256 and ES256 (OpenID Connect Core, 3.1.3.6)."""
    return base64.urlsafe_b64encode(sha256(access_token.encode()).digest()[:16]).rstrip(b"=").decode()
