"""Calls of clients: authenticate, count, answer, and record what is refused."""

from collections.abc import Callable
from typing import TypeVar

from oauth import refusals
from oauth.clients.authentication import Read, authenticate
from oauth.errors import OAuthError
from oauth.refusals import Reason, Step
from oauth.stores import clients
from tables.oauth import Client
from utils.client_info import ClientInfo, Subject
from utils.limits.rate_limits import CountCall
from utils.services import Services
from utils.web.forms import Parameters

R = TypeVar("R")


class ClientRefused(OAuthError):
    """A call of an authenticated client that is refused. `reason` and `detail` are for operators only."""

    def __init__(self, reason: Reason, detail: str = "", *, message: str | None = None) -> None:
        super().__init__(message, detail=detail)
        self.reason = reason


class ParameterRepeated(ClientRefused):
    code, message = "oauth_form_parameter_repeated", "A parameter was sent more than once."


class ParameterMissing(ClientRefused):
    code, message = "oauth_form_parameter_missing", "A required parameter is missing."


def answered(
    services: Services,
    step: Step,
    authorization: str | None,
    form: Parameters,
    caller: ClientInfo,
    count: CountCall,
    answer: Callable[[Client], R],
    read: Read = clients.calling,
) -> R:
    """Return as `guarded`, and count the call for the client and its network together.

    `read` reads the client, and may read more by its statement.
    """

    def counted(client: Client) -> R:
        # `authenticate` holds no connection, and a count must not.
        count("token", [Subject(f"{client.id} {each.key}", each.share) for each in caller.subjects])
        return answer(client)

    return guarded(services, step, authorization, form, caller, count, counted, read)


def guarded(
    services: Services,
    step: Step,
    authorization: str | None,
    form: Parameters,
    caller: ClientInfo,
    count: CountCall,
    answer: Callable[[Client], R],
    read: Read = clients.calling,
) -> R:
    """Return as `recorded`, and count refused calls for the network. Raises `TooManyRequests` besides.

    Only refused calls are refused by that count: strangers keep out no call that would be answered.
    """
    try:
        return recorded(services, step, authorization, form, caller, answer, read)
    except OAuthError:
        _roll_back(services)
        count("token-failures", caller.subjects)
        raise


def recorded(
    services: Services,
    step: Step,
    authorization: str | None,
    form: Parameters,
    caller: ClientInfo,
    answer: Callable[[Client], R],
    read: Read = clients.calling,
) -> R:
    """Return what `answer` returns for the client that calls, as its credentials show.

    Raises the errors of `authenticate` and those of `answer`, and has recorded them for operators.
    """
    client = authenticate(services, authorization, form, caller, step, read)
    try:
        if form.repeated:
            raise ParameterRepeated(Reason.PARAMETER_REPEATED, f"repeated {' '.join(sorted(form.repeated))}")
        return answer(client)
    except ClientRefused as refused:
        _roll_back(services)
        if refusals.note(services, client.id, step, refused.reason, refused.detail, caller):
            services.tx().commit()
        raise


def _roll_back(services: Services) -> None:
    """Undo what the call has done. Most refused calls have no transaction, and one would only cost time."""
    if services.has_tx():
        services.tx().rollback()
