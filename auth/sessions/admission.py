"""Admission: whether the bearer of an access token may call."""

from auth import tokens
from auth.account_state import Use, refusal
from auth.errors import SecondFactorSetupRequired
from auth.stores import sessions, users
from utils.crypto import access_tokens
from utils.services import Claims, Principal, Services


def admit(services: Services, claims: Claims) -> Principal | None:
    """Return the bearer of these claims, if the database admits them now. One statement."""
    now = services.clock.now()
    if claims.session_id is not None:
        found = sessions.admitted(services.reads, claims.session_id, claims.user_id, now)
        # Tokens of releases before this claim have none; they expire within `JWT_ACCESS_TOKEN_EXPIRES`.
        if found is None or claims.auth_time not in {None, found[0].timestamp()}:
            return None
        return Principal(
            claims.user_id,
            claims.session_id,
            *found,
            scope=access_tokens.ENROLLMENT if tokens.needs_enrollment(services, found[1]) else None,
            out_of_scope=SecondFactorSetupRequired,
        )
    account = users.by_id(services.tx(), claims.user_id)
    if account is None or refusal(account, Use.CALL_WITHOUT_SESSION):
        return None
    if claims.issued_at < account.tokens_valid_after:
        return None
    return Principal(claims.user_id, None, None, account)
