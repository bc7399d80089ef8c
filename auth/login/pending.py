"""Pending logins: the password was right, and the second factor is missing."""

from datetime import timedelta
from typing import Any, NamedTuple, NoReturn

from sqlalchemy.orm import Session

from auth import tokens
from auth.account_state import Use, refusal
from auth.errors import ChallengeExpired, ChallengeInvalid
from auth.events import Event, Refusal
from auth.factors import passkey_ceremonies, verification
from auth.login.errors import SecondFactorMembers, SecondFactorRequired
from auth.stores import audit, challenges, passkeys, users
from auth.stores.challenges import ChallengePurpose
from models import Account, AuthChallenge
from utils.client_info import ClientInfo
from utils.services import Services

LIFETIME = timedelta(minutes=5)
MAX_LIVE = 10  # of an account; beyond, the oldest are void


class Challenge(NamedTuple):
    """What the caller gets instead of tokens: the challenge token, and which responses it accepts."""

    token: str
    expires_in: int
    methods: list[verification.Method]
    passkey_options: dict[str, Any] | None


class PendingLogin(NamedTuple):
    """A pending login, whose account this transaction holds locked."""

    row: AuthChallenge
    account: Account


def issue(
    services: Services, tx: Session, account: Account, client: ClientInfo, *, remember: bool
) -> Challenge:
    """Issue a challenge for the second factor of an account that this transaction holds locked."""
    now = services.clock.now()
    row = challenges.issue(
        tx, ChallengePurpose.SIGN_IN, account.id, remembered=remember, now=now, expires_at=now + LIFETIME
    )
    challenges.void_beyond(tx, MAX_LIVE, row, now)
    audit.append(tx, Event.SECOND_FACTOR_ASKED, now, client, user_id=account.id)
    mine = passkeys.of_user(tx, account.id)
    return Challenge(
        tokens.challenge(services, row),
        int(LIFETIME.total_seconds()),
        verification.methods(tx, account, has_passkeys=bool(mine)),
        passkey_ceremonies.request_options(services, row, mine) if mine else None,
    )


def required(asked: Challenge, *, in_body: bool, next_address: str = "") -> SecondFactorRequired:
    """Return the error that asks for the second factor; without the token if a cookie delivers it.

    `next_address` is where the sign-up goes on after it, if there is one.
    """
    given: SecondFactorMembers = {"expires_in": asked.expires_in, "methods": asked.methods}
    if asked.passkey_options:
        given["passkey_options"] = asked.passkey_options
    if in_body:
        given["challenge_token"] = asked.token
    if next_address:
        given["next"] = next_address
    return SecondFactorRequired(given)


def open_challenge(services: Services, tx: Session, text: str, client: ClientInfo) -> PendingLogin:
    """Return the pending login of this token, with its account locked. Does not consume it.

    Raises one of `REFUSALS`, recorded for the flow to commit.
    """
    row = _genuine(services, tx, text)
    if row is None or row.user_id is None:
        audit.count_unknown(tx, Event.SECOND_FACTOR_REFUSED, None, services.clock.now(), client)
        raise ChallengeInvalid
    users.lock(tx, row.user_id)
    account, row = users.by_id(tx, row.user_id), challenges.by_id(tx, row.id)
    if account is None or row is None:  # erased a moment ago
        raise ChallengeInvalid
    if row.used_at or refusal(account, Use.COMPLETE_LOGIN) or account.two_factor_at is None:
        _refuse(services, tx, account, ChallengeInvalid(), Refusal.CHALLENGE_USED, client)
    if row.expires_at <= services.clock.now():
        _refuse(services, tx, account, ChallengeExpired(), Refusal.CHALLENGE_EXPIRED, client)
    return PendingLogin(row, account)


def user_of(services: Services, tx: Session, text: str) -> int | None:
    """Return the account of a genuine challenge token, pending or not, or None."""
    row = _genuine(services, tx, text)
    return row.user_id if row else None


def _genuine(services: Services, tx: Session, text: str) -> AuthChallenge | None:
    challenge_id = tokens.one_time_id(text)
    row = challenges.by_id(tx, challenge_id) if challenge_id else None
    if row is None or row.purpose != ChallengePurpose.SIGN_IN:
        return None
    return row if tokens.is_genuine_challenge(services, text, row) else None


REFUSALS = (ChallengeInvalid, ChallengeExpired)


def _refuse(
    services: Services,
    tx: Session,
    account: Account,
    refusal: ChallengeInvalid | ChallengeExpired,
    reason: Refusal,
    client: ClientInfo,
) -> NoReturn:
    now = services.clock.now()
    audit.append(tx, Event.SECOND_FACTOR_REFUSED, now, client, user_id=account.id, reason=reason)
    raise refusal
