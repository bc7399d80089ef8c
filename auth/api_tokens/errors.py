"""The errors of API tokens. As in `auth.errors`, published codes never change their meaning."""

from auth.errors import Conflict
from utils.errors import Forbidden, NotFound


class ApiTokensOff(Forbidden):
    code, message = "api_tokens_off", "API tokens are turned off here."


class ApiTokenNotFound(NotFound):
    code, message = "api_token_not_found", "There is no such API token."


class ApiTokenNameTaken(Conflict):
    code, message = "api_token_name_taken", "You already have a token with this name."


class TooManyApiTokens(Conflict):
    code, message = "too_many_api_tokens", "Remove an API token first: an account has fifty at most."

    def __init__(self, limit: int = 0) -> None:
        super().__init__()
        self.extra = {"limit": limit}
