"""The decision of a person about an authorization request."""

from collections.abc import Collection

from auth.events import Event
from auth.sessions import step_up
from auth.stores import audit
from oauth.apps import notice
from oauth.authorize import ask, errors, opening, rules
from oauth.authorize.ask import Answer, Asked, Status
from oauth.authorize.rules import Need
from oauth.stores import consents
from utils.client_info import ClientInfo
from utils.limits.rate_limits import CountCall
from utils.services import Principal, Services


def decide(
    services: Services,
    principal: Principal,
    *,
    query: str,
    ticket: str,
    allow: bool,
    scopes: Collection[str] | None,
    client: ClientInfo,
    count: CountCall,
) -> Answer:
    """Return where the browser goes: to the client with a code, or with `access_denied`.

    Everything is checked again. If more than the consent is needed meanwhile, such as a fresh login, that is
    the answer, and nothing is written. `scopes` are those that the person allows, all if None. Raises as
    `ask.ask`, and `ScopeNotAsked`.
    """
    count("authorizations", ask.subject(principal, client))
    target, opened_at = opening.reopened(services, query, ticket, client)
    try:
        account = step_up.lock_for_change(services, principal)
        target = opening.locked(services, query, target, client)
        asked = ask.examine(services, principal, target, opened_at, answered=True)
        if asked.need not in ({Need.NOTHING} if asked.request.is_silent else {Need.NOTHING, Need.CONSENT}):
            return ask.answer(services, principal, asked, client)
        if not allow:
            _count_refused(services, principal, asked, client)
            services.tx().commit()
            raise errors.AccessDenied
        allowed = _checked(asked, scopes)
        code = ask.issue(services, principal, asked.request, allowed)
        _keep(services, principal, asked, allowed)
        if asked.given is None:
            notice.tell_owner(services, services.tx(), account, asked.request.client, client)
        _record_allowed(services, principal, asked, client)
        ask.note_left_out(services, asked.request, client)
        services.tx().commit()
        return ask.redirected(services, target, code)
    except errors.RequestRefused as refused:
        to = opening.refuse(services, target, refused, client)
        return Answer(status=Status.REDIRECT, redirect_to=to)


def _checked(asked: Asked, scopes: Collection[str] | None) -> tuple[str, ...]:
    """Return the scopes that are allowed, in the order of the request. Raises `ScopeNotAsked`."""
    wanted = asked.request.scopes
    if scopes is None:
        return wanted
    lacks_openid = "openid" in wanted and "openid" not in scopes
    if lacks_openid or not set(scopes) <= set(wanted) or (wanted and not scopes):
        raise errors.ScopeNotAsked
    return tuple(each for each in wanted if each in scopes)


def _keep(services: Services, principal: Principal, asked: Asked, allowed: Collection[str]) -> None:
    """Store the consent, with what was allowed before if the client is still the one that was shown."""
    request, given = asked.request, asked.given
    digest = ask.digest_of(services, request.client)
    scopes = rules.consented_as(request, allowed)
    resources = {request.resource.identifier} if request.resource else set()
    if given is not None and given.client_digest == digest:
        scopes, resources = scopes | set(given.scopes), resources | set(given.resources)
    consents.keep(
        services.tx(),
        principal.user_id,
        request.client.id,
        scopes=sorted(scopes),
        resources=sorted(resources),
        client_digest=digest,
        now=services.clock.now(),
    )


def _count_refused(services: Services, principal: Principal, asked: Asked, client: ClientInfo) -> None:
    audit.count_refused_app(
        services.tx(),
        services.clock.now(),
        client,
        user_id=principal.user_id,
        session_id=principal.session_id,
        app_id=asked.request.client.id,
        name=asked.request.client.name,
    )


def _record_allowed(services: Services, principal: Principal, asked: Asked, client: ClientInfo) -> None:
    audit.append(
        services.tx(),
        Event.APP_ALLOWED,
        services.clock.now(),
        client,
        user_id=principal.user_id,
        session_id=principal.session_id,
        detail=asked.request.client.name,
    )
