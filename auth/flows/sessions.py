"""Sessions after the sign-in: who is admitted, how tokens are renewed, and how a session ends."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth import tokens
from auth.errors import (
    NoPasskeys,
    RefreshTokenExpired,
    RefreshTokenInvalid,
    RefreshTokenMissing,
    RefreshTokenReused,
    SessionNotFound,
    WrongCode,
    WrongCurrentPassword,
)
from auth.events import EndReason, Event
from auth.events import Purpose as Link
from auth.flows.steps import endings, links, proofs, second_factors, sign_ins
from auth.flows.steps import passkeys as asked
from auth.stores import audit, passkeys, sessions, users
from auth.stores.challenges import Purpose
from models import Account, SessionState, UserSession
from utils import access_tokens
from utils.client_info import ClientInfo
from utils.errors import InvalidInput, TokenInvalid
from utils.passkeys import Credential
from utils.services import Claims, Principal, Services

# How long the parent of the present refresh token still answers with its successor:
# for two tabs that refresh at once, and for an answer that was lost on the way.
REUSE_GRACE = timedelta(seconds=20)


def admit(services: Services, claims: Claims) -> Principal | None:
    """The bearer of these claims, if the database admits them now: one statement."""
    now = services.clock.now()
    if claims.session_id is not None:
        found = sessions.admitted(services.reads, claims.session_id, claims.user_id, now)
        if found is None:
            return None
        return Principal(
            claims.user_id, claims.session_id, *found, is_setting_up=tokens.is_setting_up(services, found[1])
        )
    account = users.by_id(services.session(), claims.user_id)
    if account is None or account.disabled_at or account.deletion_due_at:
        return None
    if claims.issued_at < account.tokens_valid_after:
        return None
    return Principal(claims.user_id, None, None, account)


def refresh(services: Services, presented: Sequence[str], client: ClientInfo) -> tokens.TokenPair:
    """A new pair for a refresh token; its generation is used up (rotation, RFC 9700, 4.14).

    The direct parent of the present token gets the same successor for `REUSE_GRACE`. Any
    other used token means that somebody has a copy: the session ends.
    Raises `RefreshTokenMissing`, `RefreshTokenInvalid`, `RefreshTokenExpired` or
    `RefreshTokenReused`, and `InvalidInput` when two tokens are presented.
    """
    if not presented:
        raise RefreshTokenMissing
    if len(presented) > 1:
        raise InvalidInput(fields={"refresh_token": "send it in the body or as the cookie, not both"})
    session, now = services.session(), services.clock.now()
    token = tokens.read_refresh(presented[0])
    current, account = _usable_session(services, session, token)
    if token is None or token.generation > current.generation:
        raise RefreshTokenInvalid  # ahead of the row: a restored backup, and no theft
    if token.generation == current.generation:
        until = min(sign_ins.idle_end(services, now, remembered=current.remembered), current.absolute_end)
        rotated = sessions.rotate(session, current, now, until, client)
        if rotated:
            audit.append(
                session, Event.SESSION_REFRESHED, now, client, user_id=rotated.user_id, session_id=rotated.id
            )
            pair = tokens.issue(services, rotated, account, now)
            session.commit()
            return pair
        session.rollback()
        # Another call was faster; what did it leave?
        current, account = _usable_session(services, session, token)
    if token.generation == current.generation - 1 and _in_grace(services, current):
        return tokens.issue(services, current, account, now)
    _end_as_stolen(services, session, current, client)
    raise RefreshTokenReused


def _usable_session(
    services: Services, session: Session, token: tokens.RefreshToken | None
) -> tuple[SessionState, Account]:
    found = sessions.with_account(session, token.session_id) if token else None
    if token is None or found is None or not tokens.is_genuine(services, token, found[0]):
        raise RefreshTokenInvalid
    current, account = found
    if current.ended_at or account.disabled_at:
        raise RefreshTokenInvalid
    if min(current.idle_end, current.absolute_end) <= services.clock.now():
        raise RefreshTokenExpired
    return current, account


def _in_grace(services: Services, current: SessionState) -> bool:
    # A clock that was set back makes no grace of what it was set back by.
    return current.rotated_at is not None and abs(services.clock.now() - current.rotated_at) <= REUSE_GRACE


def _end_as_stolen(services: Services, session: Session, current: SessionState, client: ClientInfo) -> None:
    now = services.clock.now()
    if sessions.end(session, current.id, current.user_id, EndReason.REUSE, now):
        services.metrics.sessions_ended.labels(EndReason.REUSE).inc()
        if account := users.by_id(session, current.user_id):
            links.notify(services, session, account, "session_stolen", client)
        audit.append(
            session, Event.REFRESH_TOKEN_REUSED, now, client, user_id=current.user_id, session_id=current.id
        )
    session.commit()


def sign_out(
    services: Services, *, refresh_tokens: Sequence[str], access_token: str | None, client: ClientInfo
) -> None:
    """End every session that one of these tokens proves. An access token may have expired meanwhile."""
    session, now = services.session(), services.clock.now()
    proven = {
        (s.id, s.user_id) for text in refresh_tokens if (s := sign_ins.session_of(services, session, text))
    }
    claims = access_tokens.read(services, access_token, expired_too=True)
    if claims and claims.session_id:
        proven.add((claims.session_id, claims.user_id))
    for session_id, user_id in sorted(proven):
        users.keep(session, user_id)
        if sessions.end(session, session_id, user_id, EndReason.SIGNED_OUT, now):
            services.metrics.sessions_ended.labels(EndReason.SIGNED_OUT).inc()
            audit.append(session, Event.SIGNED_OUT, now, client, user_id=user_id, session_id=session_id)
    session.commit()


def living(services: Services, principal: Principal) -> tuple[Sequence[UserSession], UUID]:
    """The caller's living sessions, and which of them is calling."""
    current = proofs.own_session(principal)
    return sessions.living(services.session(), principal.user_id, services.clock.now()), current


def end_one(services: Services, principal: Principal, session_id: UUID, client: ClientInfo) -> None:
    """End one of the caller's sessions, this one too. Raises `SessionNotFound`, also for other people's.

    Whoever ends another one than their own wants a fresh sign-in for it (ASVS 7.5.2): somebody who
    found the browser open could lock its owner out of all others. Raises `ReauthRequired`.
    """
    if proofs.own_session(principal) != session_id:
        proofs.fresh_session(services, principal)
    session, now = services.session(), services.clock.now()
    proofs.lock_while_living(services, principal)
    if not sessions.end(session, session_id, principal.user_id, EndReason.REVOKED, now):
        raise SessionNotFound
    services.metrics.sessions_ended.labels(EndReason.REVOKED).inc()
    audit.append(session, Event.SESSION_ENDED, now, client, user_id=principal.user_id, session_id=session_id)
    session.commit()


def end_others(services: Services, principal: Principal, client: ClientInfo) -> int:
    """End all of the caller's sessions but this one; how many there were. Raises `ReauthRequired`."""
    current = proofs.fresh_session(services, principal)
    session, now = services.session(), services.clock.now()
    proofs.lock_while_living(services, principal)
    ended = sessions.end_others(session, current, principal.user_id, EndReason.REVOKED, now)
    services.metrics.sessions_ended.labels(EndReason.REVOKED).inc(ended)
    audit.append(
        session,
        Event.OTHER_SESSIONS_ENDED,
        now,
        client,
        user_id=principal.user_id,
        session_id=current,
        count=ended,
    )
    session.commit()
    return ended


def reauth_options(services: Services, principal: Principal) -> dict[str, Any]:
    """What a browser needs to prove one of the caller's passkeys. Raises `NoPasskeys`."""
    proofs.own_session(principal)
    session = services.session()
    mine = passkeys.of_user(session, principal.user_id)
    if not mine:
        raise NoPasskeys
    row = asked.issue(services, session, Purpose.REAUTH, principal.user_id)
    session.commit()
    return asked.request_options(services, row, mine)


def reauthenticate(
    services: Services,
    principal: Principal,
    *,
    password: str | None,
    code: str | None,
    passkey: Credential | None = None,
    client: ClientInfo,
) -> str:
    """A new access token, after which the session counts as freshly signed in (step-up, ASVS 7.5.1).

    A password costs one hash in every case. Raises `WrongCurrentPassword`; `TwoFactorOff`, `WrongCode` or
    `TooManyRequests` for a code; and `TokenInvalid` if the session has ended.
    """
    current, account = proofs.own_session(principal), principal.account
    session, now = services.session(), services.clock.now()
    by_factor = code is not None or passkey is not None
    if by_factor:
        try:
            second_factors.prove(services, principal, second_factors.Given(code, passkey=passkey), client)
        except WrongCode:
            session.commit()
            raise
    else:
        is_right = proofs.is_password(services, account, password or "")
        if not is_right or not users.is_unchanged(session, account):
            proofs.write_refusal(services, account, client, session_id=current)
            session.commit()
            raise WrongCurrentPassword
    if not sessions.renew_auth_time(session, current, account.id, now, by_factor=by_factor):
        raise TokenInvalid
    audit.append(session, Event.REAUTHENTICATED, now, client, user_id=account.id, session_id=current)
    session.commit()
    return tokens.access(services, account, current, now)


def disown(services: Services, token: str, client: ClientInfo) -> None:
    """ "This wasn't me": end every session, forget every device, and block the password until a reset.

    The link for the reset is mailed. A deletion that the intruder may have asked for is called off.
    Raises `LinkUnknown`, `LinkExpired` or `LinkUsed`.
    """
    session, now = services.session(), services.clock.now()
    try:
        link = links.opened(services, token, Link.DISOWN, client=client)
        account = links.use(services, link, client)
    except links.REFUSALS:
        session.commit()
        raise
    endings.lock_out(services, session, account, EndReason.DISOWNED, since=link.created_at)
    audit.append(session, Event.SIGN_IN_DISOWNED, now, client, user_id=account.id)
    session.commit()
