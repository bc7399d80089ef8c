"""What an authorization request needs before a code is issued: a pure rule, decided from facts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from auth.sessions.step_up import FRESH_FOR
from oauth.authorize.redirects import Kind, kind_of
from oauth.authorize.request import STANDARD_SCOPES, AuthorizationRequest, Prompt
from oauth.stores.consents import Consent, of_resource
from tables.oauth import Client
from utils.crypto.claims import CLOCK_LEEWAY

LEEWAY = timedelta(seconds=CLOCK_LEEWAY)  # the machine of the login may be ahead


class Need(Enum):
    """What is needed next."""

    LOGIN = auto()
    SIGN_UP = auto()
    ACCOUNT = auto()  # the person chooses to continue with this account or another one
    SECOND_FACTOR = auto()  # one must be set up
    OTHER_ACCOUNT = auto()  # the `id_token_hint` names another one
    PERMISSION = auto()
    REAUTH = auto()
    FACTOR_REAUTH = auto()
    CONSENT = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """Facts of the session that asks."""

    user_id: int
    auth_time: datetime
    factor_at: datetime | None  # when a second factor was last proven in it
    has_factor: bool
    is_restricted: bool  # it may only set up a second factor
    is_permitted: bool  # it holds the permission that the client requires
    has_consented: bool


def need(
    request: AuthorizationRequest,
    session: LoggedIn | None,
    *,
    hinted: str | None,
    answered: bool,
    opened_at: datetime,
    now: datetime,
) -> Need:
    """Return what is needed next.

    `opened_at` is the time of the ticket, from which `prompt` and `max_age` count: a login after it answers
    both, so each is asked once. `hinted` is the subject of the `id_token_hint`; `answered` tells that
    the person chose this account.
    """
    prompts = request.prompts
    if session is None:
        return Need.SIGN_UP if Prompt.CREATE in prompts and not answered else Need.LOGIN
    is_newer = opened_at <= session.auth_time <= now + LEEWAY
    if prompts & {Prompt.SELECT_ACCOUNT, Prompt.CREATE} and not answered and not is_newer:
        return Need.ACCOUNT
    if session.is_restricted or (request.client.require_factor and not session.has_factor):
        return Need.SECOND_FACTOR
    if hinted is not None and hinted != str(session.user_id):
        return Need.OTHER_ACCOUNT
    if not session.is_permitted:
        return Need.PERMISSION
    if not is_newer and _asks_again(request, session, opened_at, now):
        return Need.REAUTH
    if request.client.require_factor and not _is_fresh(session.factor_at, now):
        return Need.FACTOR_REAUTH
    return Need.NOTHING if session.has_consented else Need.CONSENT


def _asks_again(request: AuthorizationRequest, session: LoggedIn, opened_at: datetime, now: datetime) -> bool:
    if Prompt.LOGIN in request.prompts:
        return True
    if request.max_age is None:
        return False
    oldest = opened_at - timedelta(seconds=request.max_age)
    # Not in the future either: a clock that was set back must not make an old login fresh.
    return not oldest <= session.auth_time <= now + LEEWAY


def _is_fresh(at: datetime | None, now: datetime) -> bool:
    return at is not None and abs(now - at) < FRESH_FOR


def needs_consent(request: AuthorizationRequest, given: Consent | None, client_digest: bytes) -> bool:
    """Whether the person must be asked whether the client may have this.

    Always for a public client whose address any program can take (RFC 8252, 8.6; ASVS 10.7.1), even a trusted
    one.
    """
    if Prompt.CONSENT in request.prompts or not is_assured(request.client, request.target.redirect_uri):
        return True
    if request.client.trusted:
        return False
    if given is None or given.client_digest != client_digest:
        return True
    resource = request.resource.identifier if request.resource else None
    is_covered = consented_as(request, request.scopes) <= set(given.scopes)
    return not is_covered or resource not in {None, *given.resources}


def consented_as(request: AuthorizationRequest, scopes: Iterable[str]) -> set[str]:
    """Return these scopes of a request as a consent has them.

    Two resources may have scopes of the same name: a scope that is not a standard one counts for the resource
    of the request only.
    """
    resource = request.resource
    return {
        each if resource is None or each in STANDARD_SCOPES else of_resource(resource.identifier, each)
        for each in scopes
    }


def is_assured(client: Client, redirect_uri: str) -> bool:
    """Whether the answer reaches this client and no other program."""
    return client.kind == "web" or kind_of(redirect_uri) is Kind.WEB
