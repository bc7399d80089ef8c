"""A rehearsed login: a throw-away account logs in with a client, and everything is rolled back."""

import base64
import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

from auth.admin.finding import Finding
from auth.roles.actors import operator
from auth.stores import sessions, users
from oauth import tokens
from oauth.authorize import decide
from oauth.clients.registration import ShownClient
from oauth.errors import OAuthError
from oauth.keys.ring import KeyRing
from oauth.stores import clients, redemptions
from oauth.token import code
from oauth.token.issuing import Issued
from tables.oauth import Client
from utils.client_info import ClientInfo
from utils.database.rehearsal import rehearsal
from utils.errors import ApiError
from utils.limits.rate_limits import Subjects
from utils.services import Principal, Services
from utils.web.forms import parsed

CHECK = "rehearsed login"
FAILED = "A login with a throw-away account fails"


def rehearse(services: Services, shown: ShownClient) -> Iterator[Finding]:
    """Return whether a login works from the request to the ID token. Nothing of it stays.

    The application's own part is not in it: its configuration, and its secret. The permission and the second
    factor that the client demands are not asked for.
    """
    if shown.row.client.kind == "resource" or shown.row.client.disabled_at is not None:
        return
    with rehearsal(services.tx()) as (tx, reads):
        trial = replace(services, tx=lambda: tx, has_tx=lambda: True, reads=reads, signer=KeyRing())
        try:
            fault = _fault(trial, shown.row.client)
        except ApiError as refused:
            detail = refused.detail if isinstance(refused, OAuthError) else ""
            fault = f"{refused.message}{f' {detail}' if detail else ''}"
    if fault:
        yield Finding(CHECK, "problem", f"{FAILED}: {fault}", "Correct the client with `clients set`.")
    else:
        yield Finding(CHECK, "ok", "A throw-away account logged in, from the request to the ID token.")


def _fault(services: Services, client: Client) -> str:
    """Return what went wrong, or an empty text. Raises what the flows raise."""
    tx, caller = services.tx(), operator().client
    clients.change(tx, client.id, {"required_permission": None, "require_factor": False})
    principal = _person(services, caller)
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    redirect_uri = client.redirect_uris[0]
    query = urlencode(
        {
            "client_id": client.id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": " ".join(client.scopes),
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
    )
    answer = decide.decide(
        services,
        principal,
        query=query,
        ticket=tokens.ticket(services, query, services.clock.now()),
        allow=True,
        scopes=None,
        client=caller,
        count=_uncounted,
    )
    given = {name: each[0] for name, each in parse_qs(urlsplit(answer.redirect_to or "").query).items()}
    if "code" not in given:
        return given.get("error_description") or f"the answer was {answer.status}."
    form = {"code": given["code"], "redirect_uri": redirect_uri, "code_verifier": verifier}
    found = clients.find(tx, client.id) or client
    code_id = tokens.code_id(given["code"])
    read = redemptions.found(services.reads, code_id) if code_id else None
    return _fault_of_tokens(services, code.redeem(services, found, parsed(urlencode(form)), caller, read))


def _fault_of_tokens(services: Services, issued: Issued) -> str:
    if issued.id_token is None or services.signer.read(services, issued.id_token, "JWT") is None:
        return "the ID token is not valid."
    return ""


def _person(services: Services, caller: ClientInfo) -> Principal:
    """Return a new account with a session, within the transaction of the rehearsal."""
    tx, now = services.tx(), services.clock.now()
    name = f"rehearsal-{secrets.token_hex(8)}"
    account = users.add(tx, username=name, email=f"{name}@example.com", password_hash=None, now=now)
    if account is None:
        raise ApiError
    users.confirm_email(tx, account.id, now)
    ends = now + timedelta(minutes=5)
    started = sessions.start(
        tx,
        user_id=account.id,
        remembered=False,
        amr="pwd",
        now=now,
        idle_end=ends,
        absolute_end=ends,
        client=caller,
    )
    return Principal(account.id, started.id, now, users.by_id(tx, account.id))


def _uncounted(name: str, subject: Subjects, *, visible: bool = True) -> None:
    """Count nothing: this is no call."""
