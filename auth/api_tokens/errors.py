"""The errors of API tokens. As in `auth.errors`, published codes never change their meaning."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from auth.errors import Conflict
from utils.errors import Forbidden, NotFound


class ApiTokensOff(Forbidden):
    code, message = "api_tokens_off", "API tokens are turned off here."


class ApiTokenNotFound(NotFound):
    code, message = "api_token_not_found", "There is no such API token."


class ApiTokenNameTaken(Conflict):
    code, message = "api_token_name_taken", "You already have a token with this name."


class LimitMembers(TypedDict):
    """The number that an account has at most."""

    limit: Annotated[int, Field(examples=[50])]


class TooManyApiTokens(Conflict):
    code, message = "too_many_api_tokens", "Remove an API token first: an account has fifty at most."
    members = LimitMembers

    def __init__(self, limit: int = 0) -> None:
        super().__init__()
        self.extra = {"limit": limit}
