"""The request bodies about email addresses."""

from pydantic import ConfigDict

from auth.fields import ChallengeResponse, Password
from auth.inputs import Address
from auth.mailing.inputs import Link


class UnprovenAddress(Address):
    """`POST /auth/email/resend` and `/auth/email/change`."""

    challenge_response: ChallengeResponse | None = None


class Verification(Link):
    """`POST /auth/email/verify`: the password too, unless a session of the account is calling."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"token": "b3BlbiBzZXNhbWU...", "password": "correct horse battery"}]}
    )

    password: Password | None = None
