"""The authorization code grant with PKCE (RFC 6749, 4.1.3; RFC 7636)."""

import secrets
from datetime import timedelta
from uuid import UUID, uuid4

from auth.events import Event
from auth.stores import users
from oauth import tokens, usability
from oauth.activity import record
from oauth.clients.calls import ParameterMissing
from oauth.refusals import Reason
from oauth.stores import grants, redemptions
from oauth.stores.grants import Grant, GrantEnd
from oauth.stores.redemptions import Code, FoundCode
from oauth.token import pkce
from oauth.token.errors import (
    CodeExpired,
    CodeInvalid,
    CodeReused,
    GrantOver,
    ResourceNotGranted,
)
from oauth.token.issuing import Issued, Person, issue
from oauth.token.reading import Reading
from tables.oauth import Client
from utils.client_info import ClientInfo
from utils.services import Services
from utils.web.forms import Parameters


def reading(form: Parameters) -> Reading[FoundCode]:
    """Return what reads the code of this form with its client."""
    return Reading(redemptions.found_for_caller, tokens.code_id(form.get("code") or ""))


def redeem(
    services: Services, client: Client, form: Parameters, caller: ClientInfo, read: FoundCode | None
) -> Issued:
    """Exchange a code for tokens, once. A wrong call changes nothing; a second right one ends the grant.

    The least recently used grants beyond `grants.MAX_LIVING` of this account and client end.
    `read` is the code as `reading` found it. Raises one of `oauth.token.errors`.
    """
    found = _right(services, client, form, read)
    if found.code.used_at is None:
        if issued := _used_up(services, client, found, caller):
            return issued
        # Another call was faster, or something ended meanwhile; read what.
        found = _right(services, client, form, redemptions.found(services.reads, found.code.id))
    if found.code.used_at is not None:
        _end_reused(services, client, found.code, caller)
        raise CodeReused(Reason.CODE_USED)
    if found.code.expires_at <= services.clock.now():
        raise CodeExpired(Reason.CODE_EXPIRED)
    raise GrantOver(_refused(services, found) or Reason.SESSION_ENDED)


def _right(services: Services, client: Client, form: Parameters, found: FoundCode | None) -> FoundCode:
    """Return the code, used or not, if this call is the one that it was issued for."""
    text, verifier = form.get("code"), form.get("code_verifier")
    if text is None:
        raise ParameterMissing(Reason.CODE_MISSING, message="The parameter code is missing.")
    if found is None or not tokens.is_genuine_code(services, text, found.code):
        raise CodeInvalid(Reason.CODE_UNKNOWN)
    code = found.code
    if code.client_id != client.id:
        raise CodeInvalid(Reason.CODE_OF_OTHER_CLIENT)
    if form.get("redirect_uri") != code.redirect_uri:
        sent = form.get("redirect_uri") or "none"
        raise CodeInvalid(Reason.REDIRECT_DIFFERS, f"sent {sent}, expected {code.redirect_uri}")
    if code.code_challenge is None and verifier is not None:
        raise CodeInvalid(Reason.VERIFIER_UNEXPECTED)
    if code.code_challenge is not None and verifier is None:
        raise CodeInvalid(Reason.VERIFIER_MISSING)
    if code.code_challenge is not None and not pkce.matches(verifier or "", code.code_challenge):
        raise CodeInvalid(Reason.VERIFIER_WRONG, f"a verifier of {len(verifier or '')} characters")
    if form.get("resource") not in {None, code.resource}:
        raise ResourceNotGranted(Reason.RESOURCE_NOT_GRANTED, f"asked for {form.get('resource')}")
    return found


def _refused(services: Services, found: FoundCode) -> Reason | None:
    if not usability.is_living(found.session_end, services.clock.now()):
        return Reason.SESSION_ENDED
    return usability.refused_account(services, found.account, holds_permission=found.holds_permission)


def _used_up(services: Services, client: Client, found: FoundCode, caller: ClientInfo) -> Issued | None:
    """Use up the code and start its grant; None if the statement that decides finds it no longer usable."""
    code, now = found.code, services.clock.now()
    if reason := _refused(services, found):
        raise GrantOver(reason)
    if code.expires_at <= now:
        return None
    grant = _grant(services, code, uuid4())
    # Signed before the transaction: it takes longer than the statements, whose locks others wait for.
    person = Person(found.account, found.roles)
    issued = issue(services, client, grant, person, grant.scopes, now, nonce=code.oidc_nonce)
    if services.has_tx():
        services.tx().commit()  # the very first signing keys
    if redemptions.redeem_at_once(services.reads, code, grant, now, caller, client.name):
        return issued
    tx = services.tx()
    if not redemptions.redeem(tx, code, grant.id, now):
        tx.rollback()
        return None
    if grants.start(tx, grant, now, caller) >= grants.MAX_LIVING:
        grants.end_oldest_beyond(tx, grants.MAX_LIVING, grant, now)
    record(services, Event.APP_SIGNED_IN, client, code, caller)
    tx.commit()
    return issued


def _grant(services: Services, code: Code, grant_id: UUID) -> Grant:
    """Return the grant that a code gives. Without `offline_access` it ends with the session of the code."""
    now, settings = services.clock.now(), services.settings
    return Grant(
        id=grant_id,
        user_id=code.user_id,
        client_id=code.client_id,
        session_id=code.session_id,
        sid=tokens.sid(code.session_id, code.client_id),
        secret=secrets.token_bytes(32),
        generation=0,
        rotated_at=None,
        scopes=code.scopes,
        resource=code.resource,
        offline="offline_access" in code.scopes,
        auth_time=code.auth_time,
        amr=code.amr,
        idle_end=now + timedelta(seconds=settings.oauth_idle_lifetime),
        absolute_end=now + timedelta(seconds=settings.oauth_absolute_lifetime),
        ended_at=None,
    )


def _end_reused(services: Services, client: Client, code: Code, caller: ClientInfo) -> None:
    """End the grant that this code gave (RFC 6749, 4.1.2): of two callers, one may have stolen it."""
    tx, now = services.tx(), services.clock.now()
    users.lock_shared(tx, code.user_id)
    if code.grant_id and grants.end(tx, code.grant_id, GrantEnd.CODE_REUSED, now):
        record(services, Event.APP_CODE_REUSED, client, code, caller)
    tx.commit()
