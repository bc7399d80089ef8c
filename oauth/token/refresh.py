"""The refresh token grant with rotation and reuse detection (RFC 6749, 6; RFC 9700, 4.14)."""

from datetime import timedelta

from auth.events import Event
from auth.mailing import links, messages
from auth.stores import users
from oauth import tokens, usability
from oauth.activity import record
from oauth.clients.calls import ParameterMissing
from oauth.refusals import Reason
from oauth.stores import grants
from oauth.stores.grants import Found, Grant, GrantEnd
from oauth.token.errors import (
    GrantOver,
    RefreshTokenReused,
    RefreshTokenUnknown,
    ResourceNotGranted,
    ScopeNotGranted,
)
from oauth.token.issuing import Issued, Person, issue
from oauth.token.reading import Reading
from tables.oauth import Client
from utils.client_info import ClientInfo
from utils.services import Services
from utils.token_rotation import Standing, is_first_of_hour, standing
from utils.web.forms import Parameters


def reading(form: Parameters) -> Reading[Found]:
    """Return what reads the grant of the refresh token of this form with its client."""
    token = tokens.read_refresh(form.get("refresh_token") or "")
    return Reading(grants.found_for_caller, token.grant_id if token else None)


def refresh(
    services: Services, client: Client, form: Parameters, caller: ClientInfo, read: Found | None
) -> Issued:
    """Exchange a refresh token for new tokens and use up its generation.

    The direct parent of the present token gets the same successor for a while (`utils.token_rotation`). Any
    older one ends the grant. `scope` and `resource` narrow this answer only: the grant keeps its own.
    `read` is the grant as `reading` found it. Raises one of `oauth.token.errors`.
    """
    text = form.get("refresh_token")
    if text is None:
        raise ParameterMissing(Reason.REFRESH_UNKNOWN, message="The parameter refresh_token is missing.")
    token = tokens.read_refresh(text)
    found = _usable(services, client, token, read)
    scopes = _scopes(form.get("scope"), found.grant)
    if form.get("resource") not in {None, found.grant.resource}:
        raise ResourceNotGranted(Reason.RESOURCE_NOT_GRANTED, f"asked for {form.get('resource')}")
    stands = _standing(services, token, found.grant)
    if stands is Standing.NEWER:
        raise RefreshTokenUnknown(Reason.REFRESH_UNKNOWN)
    if stands is Standing.PRESENT:
        if rotated := _rotate(services, client, found.grant, caller):
            return _issued(services, client, found, rotated, scopes)
        # A concurrent call was faster; read its result.
        found = _usable(services, client, token, _found_again(services, found))
        stands = _standing(services, token, found.grant)
    if stands is Standing.PARENT_IN_GRACE:
        return _issued(services, client, found, found.grant, scopes)
    _end_reused(services, client, found.grant, caller)
    raise RefreshTokenReused(Reason.REFRESH_REUSED)


def _usable(
    services: Services, client: Client, token: tokens.RefreshToken | None, found: Found | None
) -> Found:
    """Return the grant that was found for a genuine token of this client, and may be used now."""
    if token is None or found is None or not tokens.is_genuine_refresh(services, token, found.grant):
        raise RefreshTokenUnknown(Reason.REFRESH_UNKNOWN)
    if found.grant.client_id != client.id:
        raise RefreshTokenUnknown(Reason.REFRESH_OF_OTHER_CLIENT)
    if reason := usability.refused(services, found, services.clock.now()):
        raise GrantOver(reason)
    return found


def _found_again(services: Services, found: Found) -> Found | None:
    return grants.found(services.reads, found.grant.id, with_roles=True)


def _standing(services: Services, token: tokens.RefreshToken | None, grant: Grant) -> Standing:
    return standing(token.generation if token else 0, grant, services.clock.now())


def _scopes(asked: str | None, grant: Grant) -> list[str]:
    """Return the scopes of this answer, in the order of the grant."""
    wanted = set(asked.split(" ")) - {""} if asked is not None else set(grant.scopes)
    if not wanted or not wanted <= set(grant.scopes):
        beyond = " ".join(sorted(wanted - set(grant.scopes)))
        raise ScopeNotGranted(Reason.SCOPE_WIDENED, f"asked for {beyond}")
    return [scope for scope in grant.scopes if scope in wanted]


def _issued(services: Services, client: Client, found: Found, grant: Grant, scopes: list[str]) -> Issued:
    person = Person(found.account, found.roles)
    issued = issue(services, client, grant, person, scopes, services.clock.now())
    if services.has_tx():
        services.tx().commit()  # the very first signing keys
    return issued


def _rotate(services: Services, client: Client, current: Grant, caller: ClientInfo) -> Grant | None:
    """Return the grant one generation on, or None if another call rotated or ended it first.

    The first rotation of an hour writes an audit event, in its transaction. Any other is a single statement.
    """
    now = services.clock.now()
    idle_end = now + timedelta(seconds=services.settings.oauth_idle_lifetime)
    until = min(idle_end, current.absolute_end)
    if not is_first_of_hour(current.rotated_at, now):
        return grants.rotate(services.reads, current, now, until, caller)
    tx = services.tx()
    users.lock_shared(tx, current.user_id)  # before its grant: an erasure locks in this order
    rotated = grants.rotate(tx, current, now, until, caller)
    if rotated is None:
        tx.rollback()
        return None
    record(services, Event.APP_REFRESHED, client, current, caller)
    tx.commit()
    return rotated


def _end_reused(services: Services, client: Client, grant: Grant, caller: ClientInfo) -> None:
    tx, now = services.tx(), services.clock.now()
    users.lock_shared(tx, grant.user_id)
    if grants.end(tx, grant.id, GrantEnd.TOKEN_REUSED, now):
        if account := users.by_id(tx, grant.user_id):
            facts = messages.client_facts(caller, now) | {"app": client.name}
            links.send_mail(services, tx, account, "app_token_reused", facts)
        record(services, Event.APP_TOKEN_REUSED, client, grant, caller)
    tx.commit()
