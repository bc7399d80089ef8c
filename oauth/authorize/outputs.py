"""The answers about authorization requests."""

from typing import (
    Annotated,
    Literal,
    NotRequired,  # pydantic reads no other before Python 3.12
)

from pydantic import Field
from typing_extensions import TypedDict

from models import Account
from oauth.authorize.ask import Answer, Status
from oauth.authorize.opening import shown_name
from oauth.authorize.redirects import Kind, document, kind_of
from oauth.authorize.request import STANDARD_SCOPES, AuthorizationRequest
from utils.web import redirect_uris


class AskingClient(TypedDict):
    id: Annotated[str, Field(examples=["grafana"])]
    name: Annotated[str, Field(examples=["Grafana"])]
    redirect_kind: Annotated[
        Literal["web", "loopback", "app"],
        Field(
            description="What gets the answer: a host, a program on this computer, or an installed app.",
            examples=["web"],
        ),
    ]
    redirect_host: Annotated[
        str, Field(description="The host, or the private scheme.", examples=["grafana.example.com"])
    ]
    resource: Annotated[str | None, Field(description="The name of the resource that the access is for.")]
    policy_uri: Annotated[str | None, Field(description="The privacy policy of the client, https.")]
    terms_uri: Annotated[str | None, Field(description="The terms of the client, https.")]


class AskedScope(TypedDict):
    name: Annotated[str, Field(examples=["email"])]
    words: Annotated[str | None, Field(description="What it lets the app do. None for the standard scopes.")]
    allowed: Annotated[bool, Field(description="The person allowed it before.")]


class AskedAccount(TypedDict):
    email: str
    username: str
    has_password: bool
    two_factor_enabled: bool


class AuthorizationAnswer(TypedDict):
    status: Annotated[
        Literal["login", "create", "select_account", "reauth", "consent", "permission_missing", "redirect"],
        Field(examples=["redirect"]),
    ]
    redirect_to: Annotated[
        NotRequired[str],
        Field(description="Where the browser goes; with `permission_missing`, if the person goes back."),
    ]
    client: NotRequired[AskingClient]
    scopes: NotRequired[list[AskedScope]]
    account: NotRequired[AskedAccount]
    new: Annotated[NotRequired[bool], Field(description="The person has never allowed this client anything.")]
    by_factor: Annotated[NotRequired[bool], Field(description="The second factor must be proven.")]
    login_hint: NotRequired[str]


def answer(found: Answer) -> AuthorizationAnswer:
    shown: AuthorizationAnswer = {"status": found.status.value}
    if found.redirect_to is not None:
        shown["redirect_to"] = found.redirect_to
    if found.request is None:
        return shown
    shown["client"] = _client(found.request)
    if found.account is not None:
        shown["account"] = _account(found.account)
    if found.status is Status.CONSENT:
        shown["scopes"] = _scopes(found.request, found.allowed or frozenset())
        shown["new"] = found.allowed is None
    if found.status is Status.REAUTH:
        shown["by_factor"] = found.by_factor
    if found.request.login_hint is not None:
        shown["login_hint"] = found.request.login_hint
    return shown


def _client(request: AuthorizationRequest) -> AskingClient:
    kind: Kind = kind_of(request.target.redirect_uri)
    return {
        "id": request.client.id,
        "name": shown_name(request.client.name),
        "redirect_kind": kind.value,
        "redirect_host": redirect_uris.host_of(request.target.redirect_uri),
        "resource": shown_name(request.resource.name) if request.resource else None,
        "policy_uri": document(request.client.policy_uri),
        "terms_uri": document(request.client.terms_uri),
    }


def _scopes(request: AuthorizationRequest, allowed: frozenset[str]) -> list[AskedScope]:
    words = request.resource.scopes if request.resource else {}
    return [
        {
            "name": each,
            "words": None if each in STANDARD_SCOPES else words.get(each, each),
            "allowed": each in allowed,
        }
        for each in request.scopes
    ]


def _account(account: Account) -> AskedAccount:
    return {
        "email": account.email,
        "username": account.username,
        "has_password": account.password_hash is not None,
        "two_factor_enabled": account.two_factor_at is not None,
    }
