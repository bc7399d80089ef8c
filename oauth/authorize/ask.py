"""What a person who opened an authorization request is asked, or where the browser goes now."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from auth import tokens as account_tokens
from auth.errors import SecondFactorSetupRequired
from auth.sessions import step_up
from auth.stores import roles, sessions
from models import Account
from oauth import tokens
from oauth.authorize import errors, opening, redirects, rules
from oauth.authorize.request import AuthorizationRequest, Target
from oauth.authorize.rules import LoggedIn, Need
from oauth.refusals import Reason, Step, note
from oauth.stores import codes, consents
from tables.oauth import Client
from utils.client_info import ClientInfo
from utils.errors import TokenInvalid
from utils.limits.rate_limits import CountCall, Subjects
from utils.services import Principal, Services

CODE_LIFETIME = timedelta(seconds=60)  # ASVS 10.4.3


class Status(StrEnum):
    """What the page does."""

    LOGIN = "login"  # send the person to the login page, and ask again
    CREATE = "create"  # to the sign-up page
    SELECT_ACCOUNT = "select_account"  # ask whether to continue with this account
    REAUTH = "reauth"
    CONSENT = "consent"
    PERMISSION_MISSING = "permission_missing"
    REDIRECT = "redirect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is asked, or `redirect_to`."""

    status: Status
    redirect_to: str | None = None
    by_factor: bool = False  # the second factor must be proven
    request: AuthorizationRequest | None = None
    account: Account | None = None
    allowed: frozenset[str] | None = None  # the scopes that were allowed before; None: nothing was


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, who asks, and what is needed next."""

    request: AuthorizationRequest
    session: LoggedIn | None
    given: consents.Consent | None
    need: Need


_REFUSALS: dict[Need, type[errors.RequestRefused]] = {
    Need.LOGIN: errors.LoginRequired,
    Need.SIGN_UP: errors.LoginRequired,
    Need.ACCOUNT: errors.InteractionRequired,
    Need.SECOND_FACTOR: errors.InteractionRequired,
    Need.OTHER_ACCOUNT: errors.LoginRequired,
    Need.PERMISSION: errors.PermissionMissing,
    Need.REAUTH: errors.LoginRequired,
    Need.FACTOR_REAUTH: errors.InteractionRequired,
    Need.CONSENT: errors.ConsentRequired,
}
_STATUSES = {
    Need.LOGIN: Status.LOGIN,
    Need.SIGN_UP: Status.CREATE,
    Need.ACCOUNT: Status.SELECT_ACCOUNT,
    Need.REAUTH: Status.REAUTH,
    Need.FACTOR_REAUTH: Status.REAUTH,
    Need.PERMISSION: Status.PERMISSION_MISSING,
    Need.CONSENT: Status.CONSENT,
}


def ask(
    services: Services,
    principal: Principal | None,
    *,
    query: str,
    ticket: str,
    answered: bool,
    client: ClientInfo,
    count: CountCall,
) -> Answer:
    """Return what the person is asked next. Issues a code if nothing is.

    `answered` tells that the person chose to go on with this account. Raises `TicketInvalid`, a `PageFault`,
    `SessionRequired`, and `SecondFactorSetupRequired` for an account that needs a second factor first.
    """
    count("authorizations", subject(principal, client))
    target, opened_at = opening.reopened(services, query, ticket, client)
    try:
        asked = examine(services, principal, target, opened_at, answered=answered)
        if asked.need is Need.NOTHING and principal is not None:
            # What was found may be over: a removal of access waits for this lock, or has committed by then.
            step_up.lock_for_change(services, principal)
            target = opening.locked(services, query, target, client)
            asked = examine(services, principal, target, opened_at, answered=answered)
        if asked.need is Need.NOTHING and principal is not None:
            code = issue(services, principal, asked.request, asked.request.scopes)
            note_left_out(services, asked.request, client)
            services.tx().commit()
            return redirected(services, target, code)
        return answer(services, principal, asked, client)
    except errors.RequestRefused as refused:
        to = opening.refuse(services, target, refused, client)
        return Answer(status=Status.REDIRECT, redirect_to=to)


def subject(principal: Principal | None, client: ClientInfo) -> Subjects:
    """Return whose calls are counted: the account's, or without a login the network's."""
    return f"account:{principal.user_id}" if principal else client.subjects


def examine(
    services: Services, principal: Principal | None, target: Target, opened_at: datetime, *, answered: bool
) -> Asked:
    """Return what a request needs next. Raises `RequestRefused`."""
    request = opening.check(services, target)
    hinted = _hinted(services, request)
    given, session = None, None
    if principal is not None:
        given = consents.find(services.tx(), principal.user_id, request.client.id)
        session = _logged_in(services, principal, request, given)
    now = services.clock.now()
    need = rules.need(request, session, hinted=hinted, answered=answered, opened_at=opened_at, now=now)
    return Asked(request, session, given, need)


def answer(services: Services, principal: Principal | None, asked: Asked, client: ClientInfo) -> Answer:
    """Return the question for a need. Raises `RequestRefused` if no page may be shown, or none can help."""
    request, need = asked.request, asked.need
    if request.is_silent or need is Need.OTHER_ACCOUNT:
        raise _REFUSALS[need]
    if need is Need.SECOND_FACTOR:
        if not (asked.session and asked.session.is_restricted):
            note(services, request.client.id, Step.AUTHORIZE, Reason.FACTOR_MISSING, "", client)
            services.tx().commit()
        raise SecondFactorSetupRequired
    denied = None
    if need is Need.PERMISSION:
        required = request.client.required_permission
        refused = errors.PermissionMissing(detail=f"requires {required}")
        denied = opening.refuse(services, request.target, refused, client)
    return Answer(
        status=_STATUSES[need],
        redirect_to=denied,
        by_factor=need is Need.FACTOR_REAUTH,
        request=request,
        account=principal.account if principal else None,
        allowed=_allowed(services, asked),
    )


def redirected(services: Services, target: Target, code: str) -> Answer:
    """Return the answer that sends the code to the client (RFC 6749, 4.1.2; RFC 9207)."""
    parameters = {"code": code, "state": target.state, "iss": services.settings.public_url}
    to = redirects.with_answer(target.redirect_uri, parameters)
    return Answer(status=Status.REDIRECT, redirect_to=to)


def issue(
    services: Services, principal: Principal, request: AuthorizationRequest, scopes: Collection[str]
) -> str:
    """Return a new code for a request that was checked under `opening.locked`. The caller commits.

    The account must be locked against erasure. Raises `TokenInvalid` if the session has ended.
    """
    tx, now = services.tx(), services.clock.now()
    current = step_up.own_session(principal)
    admitted = sessions.still_admitted(tx, current, principal.user_id, now)
    facts = codes.session_facts(tx, current)
    if admitted is None or facts is None:
        raise TokenInvalid
    row = codes.issue(
        tx,
        client_id=request.client.id,
        user_id=principal.user_id,
        session_id=current,
        redirect_uri=request.target.redirect_uri,
        code_challenge=request.code_challenge,
        oidc_nonce=request.nonce,
        scopes=[each for each in request.scopes if each in scopes],
        resource=request.resource.identifier if request.resource else None,
        auth_time=admitted[0],
        amr=facts.amr,
        now=now,
        expires_at=now + CODE_LIFETIME,
    )
    return tokens.code(services, row)


def note_left_out(services: Services, request: AuthorizationRequest, client: ClientInfo) -> None:
    """Record for operators the scopes that the client asked for in vain. The caller commits."""
    if request.left_out:
        detail = f"left out {' '.join(request.left_out)}"
        note(services, request.client.id, Step.AUTHORIZE, Reason.SCOPE_LEFT_OUT, detail, client)


def digest_of(services: Services, client: Client) -> bytes:
    """Return the digest of what the consent page shows of a client: its name and hosts."""
    return tokens.client_digest(services, client.name, *redirects.hosts(client.redirect_uris))


def _logged_in(
    services: Services, principal: Principal, request: AuthorizationRequest, given: consents.Consent | None
) -> LoggedIn:
    tx, client = services.tx(), request.client
    facts = codes.session_facts(tx, step_up.own_session(principal))
    if facts is None or principal.auth_time is None:
        raise TokenInvalid
    required = client.required_permission
    return LoggedIn(
        user_id=principal.user_id,
        auth_time=principal.auth_time,
        factor_at=facts.factor_at,
        has_factor=principal.account.two_factor_at is not None,
        is_restricted=account_tokens.needs_enrollment(services, principal.account),
        is_permitted=required is None or required in roles.of_user(tx, principal.user_id)[0],
        has_consented=not rules.needs_consent(request, given, digest_of(services, client)),
    )


def _hinted(services: Services, request: AuthorizationRequest) -> str | None:
    """Return the subject of the `id_token_hint`, which may have expired. Raises `HintInvalid`."""
    if request.id_token_hint is None:
        return None
    claims = services.signer.read(services, request.id_token_hint, "JWT", allow_expired=True)
    if claims is None or claims.get("aud") != request.client.id:
        raise errors.HintInvalid
    return str(claims["sub"])


def _allowed(services: Services, asked: Asked) -> frozenset[str] | None:
    """Return the scopes of the request that were allowed to what the page shows; None for nothing yet."""
    if asked.given is None or asked.given.client_digest != digest_of(services, asked.request.client):
        return None
    given, request = set(asked.given.scopes), asked.request
    return frozenset(each for each in request.scopes if rules.consented_as(request, [each]) <= given)
