"""The rules of authorization requests. The order of the checks decides where an error may go.

Pure: nothing here reads the database.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from oauth.authorize import errors
from oauth.stores.resources import Resource
from tables.oauth import Client
from utils.errors import BadRequest
from utils.web import redirect_uris
from utils.web.forms import Parameters, parsed

MAX_QUERY = 8 * 1024  # characters
MAX_STATE = 2048
MAX_TEXT = 512  # of `nonce` and `login_hint`
STANDARD_SCOPES = ("openid", "profile", "email", "offline_access", "roles")
_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,64}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256 in base64url (RFC 7636, 4.2)
_SECONDS = re.compile(r"[0-9]{1,10}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Prompt(StrEnum):
    """The words of `prompt` (OpenID Connect Core, 3.1.2.1; Initiating User Registration)."""

    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"
    SELECT_ACCOUNT = "select_account"
    CREATE = "create"


@dataclass(frozen=True, slots=True)
class Target:
    """Where an answer may go: a client, and a redirect address that is its own."""

    client: Client
    redirect_uri: str
    state: str | None
    parameters: Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A request that is right. `scopes` are those that it asks for and may have, `left_out` the others."""

    target: Target
    scopes: tuple[str, ...]
    left_out: tuple[str, ...]
    resource: Resource | None
    code_challenge: str | None
    nonce: str | None
    prompts: frozenset[Prompt]
    max_age: int | None  # seconds
    id_token_hint: str | None
    login_hint: str | None

    @property
    def client(self) -> Client:
        return self.target.client

    @property
    def is_silent(self) -> bool:
        """Whether no page may be shown."""
        return Prompt.NONE in self.prompts


def read(query: str) -> Parameters:
    """Return the parameters of a query. Raises `RequestMalformed`."""
    if len(query) > MAX_QUERY or not query.isascii():
        raise errors.RequestMalformed
    try:
        return parsed(query)
    except BadRequest:
        raise errors.RequestMalformed from None


def client_id_of(parameters: Parameters) -> str:
    """Return the `client_id`. Raises `ClientIdMissing`, or `ClientUnknown` for what no client has."""
    client_id = parameters.get("client_id")
    if client_id is None:
        raise errors.ClientIdMissing
    if "client_id" in parameters.repeated or not _CLIENT_ID.fullmatch(client_id):
        raise errors.ClientUnknown
    return client_id


def target_of(parameters: Parameters, client: Client | None) -> Target:
    """Return where an answer may go. Raises a `PageFault`: until then, nothing may go anywhere."""
    if client is None:
        raise errors.ClientUnknown
    if client.disabled_at is not None:
        raise errors.ClientDisabled
    if client.kind == "resource":
        raise errors.ClientNotForLogins
    redirect_uri = parameters.get("redirect_uri")
    if redirect_uri is None:
        is_object = parameters.get("request") is not None or parameters.get("request_uri") is not None
        raise errors.RedirectUriInRequestObject if is_object else errors.RedirectUriMissing
    if "redirect_uri" in parameters.repeated or not redirect_uris.is_registered(
        redirect_uri, client.redirect_uris, native=client.kind == "native"
    ):
        raise errors.RedirectUriMismatch
    return Target(client, redirect_uri, _state(parameters), parameters)


def checked(
    target: Target, resources: Sequence[Resource], scopes_of_others: Iterable[str]
) -> AuthorizationRequest:
    """Return the request. Raises the `RequestRefused` of its first fault.

    `resources` are those of the client, `scopes_of_others` the scopes of all other resources.
    """
    parameters, client = target.parameters, target.client
    if parameters.repeated - {"resource"}:
        raise errors.ParameterRepeated(detail=" ".join(sorted(parameters.repeated)))
    _refuse_unsupported(parameters)
    _check_response(parameters)
    challenge = _code_challenge(parameters, client)
    resource = _resource(parameters, resources)
    words = tuple(dict.fromkeys((parameters.get("scope") or "").split(" ")))
    scopes = _scopes(words, client, resources, resource, frozenset(scopes_of_others))
    if "resource" in parameters.repeated or (parameters.get("resource") and resource is None):
        raise errors.ResourceInvalid(detail=f"asked for {parameters.get('resource')}")
    prompts = _prompts(parameters)
    max_age = parameters.get("max_age")
    if max_age is not None and not _SECONDS.fullmatch(max_age):
        raise errors.MaxAgeInvalid(detail=f"asked for {max_age}")
    _check_texts(parameters)
    return AuthorizationRequest(
        target=target,
        scopes=scopes,
        left_out=tuple(each for each in words if each and each not in scopes),
        resource=resource,
        code_challenge=challenge,
        nonce=parameters.get("nonce"),
        prompts=prompts,
        max_age=int(max_age) if max_age is not None else None,
        id_token_hint=parameters.get("id_token_hint"),
        login_hint=parameters.get("login_hint"),
    )


def _state(parameters: Parameters) -> str | None:
    """Return the state that every answer repeats; None if there is none, or no single one."""
    state = parameters.get("state")
    is_usable = state is not None and "state" not in parameters.repeated and len(state) <= MAX_STATE
    return state if is_usable else None


def _refuse_unsupported(parameters: Parameters) -> None:
    refused = {
        "request": errors.RequestObjectRefused,
        "request_uri": errors.RequestUriRefused,
        "registration": errors.RegistrationRefused,
    }
    for name, refusal in refused.items():
        if parameters.get(name) is not None:
            raise refusal


def _check_response(parameters: Parameters) -> None:
    response_type = parameters.get("response_type")
    if response_type is None:
        raise errors.ResponseTypeMissing
    if response_type != "code":
        raise errors.ResponseTypeUnsupported(detail=f"asked for {response_type}")
    if parameters.get("response_mode") not in {None, "query"}:
        raise errors.ResponseModeUnsupported(detail=f"asked for {parameters.get('response_mode')}")


def _code_challenge(parameters: Parameters, client: Client) -> str | None:
    """Return the challenge of PKCE (RFC 7636). Only a confidential client may be allowed to have none."""
    challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
    if challenge is None and method is None and client.pkce == "optional" and client.kind == "web":
        return None
    if challenge is None:
        raise errors.CodeChallengeMissing
    if method != "S256":  # without one it would be plain (RFC 7636, 4.3)
        raise errors.CodeChallengeMethodInvalid(detail=f"asked for {method or 'none, which is plain'}")
    if not _CHALLENGE.fullmatch(challenge):
        raise errors.CodeChallengeInvalid(detail=f"{len(challenge)} characters")
    return challenge


def _resource(parameters: Parameters, resources: Sequence[Resource]) -> Resource | None:
    """Return the resource that is asked for, or else the client's default; None for one it may not have."""
    wanted = parameters.get("resource")
    return next(
        (each for each in resources if each.identifier == wanted or (not wanted and each.is_default)), None
    )


def _scopes(
    words: Sequence[str],
    client: Client,
    resources: Sequence[Resource],
    resource: Resource | None,
    scopes_of_others: frozenset[str],
) -> tuple[str, ...]:
    """Return the scopes to grant: standard ones of the client, and those of the resource.

    Unknown words are left out (OpenID Connect Core, 3.1.2.1). Scopes of a resource that is not asked for, or
    that the client may not have, are `ScopeInvalid`, and so is a request that is left with nothing.
    """
    mine = set(resource.scopes if resource else ())
    granted = [each for each in STANDARD_SCOPES if each in words and each in client.scopes]
    granted += [each for each in words if each in mine and each not in STANDARD_SCOPES]
    of_resources = scopes_of_others.union(*(each.scopes for each in resources))
    foreign = sorted(set(words) & of_resources - mine - set(STANDARD_SCOPES))
    if foreign:
        raise errors.ScopeInvalid(
            "A scope is of a resource that the request does not name, or that the client may not have.",
            detail=f"asked for {' '.join(foreign)}",
        )
    if not granted and (resource is None or any(words)):
        message = None if any(words) else "The scope is missing. Send scope=openid, and others as needed."
        raise errors.ScopeInvalid(message, detail=f"asked for {' '.join(words) or 'nothing'}")
    return tuple(granted)


def _prompts(parameters: Parameters) -> frozenset[Prompt]:
    words = (parameters.get("prompt") or "").split()
    try:
        prompts = frozenset(map(Prompt, words))
    except ValueError:
        raise errors.PromptInvalid(detail=f"asked for {' '.join(words)}") from None
    if Prompt.NONE in prompts and len(prompts) > 1:
        raise errors.PromptInvalid(detail=f"asked for {' '.join(words)}")
    return prompts


def _check_texts(parameters: Parameters) -> None:
    for name, longest in (("state", MAX_STATE), ("nonce", MAX_TEXT), ("login_hint", MAX_TEXT)):
        value = parameters.get(name) or ""
        if len(value) > longest or (name != "state" and _CONTROL.search(value)):
            raise errors.ParameterInvalid(detail=f"{name} has {len(value)} characters")
