"""The errors of the provider: those of RFC 6749 and OpenID Connect, with a code of this service."""

import re
from collections.abc import Callable, Mapping
from typing import ClassVar

from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from utils.errors import ApiError, ErrorDescription, ErrorName

_NOT_ALLOWED = re.compile(r"[^\x20\x21\x23-\x5B\x5D-\x7E]")  # in `error_description` (RFC 6749, 5.2)


class OAuthMembers(TypedDict):
    """The members of RFC 6749, 5.2."""

    error: ErrorName
    error_description: ErrorDescription


class OAuthError(ApiError):
    """An error response with the members of RFC 6749, 5.2, besides those of every error of this service.

    `detail` says for operators what differs; it may quote the request, and is never in the response. If it
    takes work, it is a function: most refusals of a flood are not recorded.
    """

    status, code, message = 400, "oauth_invalid_request", "The request is not valid."
    error: ClassVar[str] = "invalid_request"
    members = OAuthMembers
    for_developers = True

    def __init__(
        self,
        message: str | None = None,
        *,
        detail: str | Callable[[], str] = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, headers=headers)
        self.explain(detail)
        self.extra = {"error": type(self).error, "error_description": self.description}

    def explain(self, detail: str | Callable[[], str]) -> None:
        """Set what differs."""
        self._detail = detail

    @property
    def detail(self) -> str:
        """What differs, for operators."""
        return self._detail if isinstance(self._detail, str) else self._detail()

    @property
    def description(self) -> str:
        """The message without the characters that `error_description` must not have."""
        return _NOT_ALLOWED.sub("", self.message)
