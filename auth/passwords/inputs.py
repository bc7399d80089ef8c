"""The request bodies about passwords."""

from typing import Annotated, Any

from pydantic import ConfigDict, SecretStr, StringConstraints, TypeAdapter, ValidationError

from auth.fields import NEW_PASSWORD_REFUSALS, NewPassword, Password
from auth.mailing.inputs import Link
from utils.identifiers import MAX_EMAIL, MAX_USERNAME
from utils.web.validation import Body

_NEW_PASSWORD: TypeAdapter[SecretStr] = TypeAdapter(NewPassword)


class PasswordReset(Link):
    """`POST /auth/password/reset`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"token": "b3BlbiBzZXNhbWU...", "password": "a new and long one"}]}
    )

    refusals = NEW_PASSWORD_REFUSALS
    password: NewPassword


class PasswordChange(Body):
    """`POST /auth/password/change`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"current_password": "correct horse battery", "new_password": "a new and long one"}]
        }
    )

    refusals = NEW_PASSWORD_REFUSALS
    current_password: Password
    new_password: NewPassword
    end_other_sessions: bool = True
    end_apps: bool = True
    revoke_api_tokens: bool = False


class StrengthQuestion(Body):
    """`POST /auth/password/strength`: name and address as far as they are typed, so of any form."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"password": "correct horse battery", "email": "ada@example.com"}],
        }
    )

    password: Password
    username: Annotated[str, StringConstraints(max_length=MAX_USERNAME)] | None = None
    email: Annotated[str, StringConstraints(max_length=MAX_EMAIL)] | None = None

    def fits(self, settings: Any) -> bool:
        """Whether the password could be a new one, as far as its length and the block-list go."""
        try:
            _NEW_PASSWORD.validate_python(self.password, context=settings)
        except ValidationError:
            return False
        return True
