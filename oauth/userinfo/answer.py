"""Userinfo (OpenID Connect Core, 5.3): the claims for an access token whose audience is userinfo."""

from typing import Any, NamedTuple

from oauth import access_tokens, claims, refusals, tokens, usability
from oauth.access_tokens import AccessToken
from oauth.refusals import Reason, Step
from oauth.stores import grants
from oauth.userinfo.errors import BearerInvalid, BearerMalformed, BearerMissing, ScopeInsufficient
from utils.client_info import ClientInfo
from utils.services import Services
from utils.web.forms import Parameters


class Userinfo(NamedTuple):
    """The claims about an account."""

    user_id: int
    claims: dict[str, Any]


def userinfo(
    services: Services, authorization: str | None, form: Parameters | None, caller: ClientInfo
) -> Userinfo:
    """Return the claims for the bearer of this token, in the header or the form (RFC 6750, 2.1 and 2.2).

    The database decides at each call. Raises `BearerMissing`, `BearerMalformed`, `BearerInvalid` or
    `ScopeInsufficient`.
    """
    token = access_tokens.read(services, _presented(authorization, form))
    if token is None:
        raise BearerInvalid
    found = grants.found(services.reads, token.grant_id, with_roles="roles" in token.scopes)
    if found is None or found.grant.client_id != token.client_id:
        raise BearerInvalid  # before any refusal is noted: the client may be removed
    if token.audience != tokens.userinfo_audience(services):
        _note(services, token, Reason.AUDIENCE_WRONG, caller)
        raise BearerInvalid
    if reason := usability.refused(services, found, services.clock.now()):
        _note(services, token, reason, caller)
        raise BearerInvalid
    if "openid" not in token.scopes:
        _note(services, token, Reason.SCOPE_INVALID, caller)
        raise ScopeInsufficient
    about = claims.about(
        found.account, token.scopes, takes_unverified=found.takes_unverified, roles=found.roles
    )
    return Userinfo(found.account.id, about)


def _presented(authorization: str | None, form: Parameters | None) -> str:
    """Return the one token of the call."""
    in_form = form.get("access_token") if form else None
    if authorization is None:
        if form and "access_token" in form.repeated:
            raise BearerMalformed
        if in_form is None:
            raise BearerMissing
        return in_form
    scheme, _, token = authorization.strip(" \t").partition(" ")
    token = token.strip(" \t")
    if scheme.lower() != "bearer" or not token or " " in token or in_form is not None:
        raise BearerMalformed
    return token


def _note(services: Services, token: AccessToken, reason: Reason, caller: ClientInfo) -> None:
    if refusals.note(services, token.client_id, Step.USERINFO, reason, "", caller):
        services.tx().commit()
