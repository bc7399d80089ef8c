"""The request bodies about email addresses."""

from pydantic import ConfigDict

from auth.fields import Password
from auth.mailing.inputs import Link


class Verification(Link):
    """`POST /auth/email/verify`: the password too, unless a session of the account is calling."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"token": "b3BlbiBzZXNhbWU...", "password": "correct horse battery"}]}
    )

    password: Password | None = None
