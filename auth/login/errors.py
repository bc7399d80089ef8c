"""The error that asks for a second factor. As in `auth.errors`, its code never changes its meaning."""

from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from auth.factors.verification import Method
from utils.errors import Unauthorized


class SecondFactorMembers(TypedDict):
    """The input of `POST /auth/login/second-factor`."""

    expires_in: Annotated[int, Field(description="Seconds.", examples=[300])]
    methods: Annotated[list[Method], Field(description="What is accepted.", examples=[["totp"]])]
    passkey_options: NotRequired[
        Annotated[
            dict[str, Any],
            Field(
                description="For `navigator.credentials.get`, if the account has a passkey.",
                examples=[{"challenge": "..."}],
            ),
        ]
    ]
    challenge_token: NotRequired[
        Annotated[str, Field(description="Absent when it is in the cookie.", examples=["b3BlbiBzZXNhbWU..."])]
    ]
    next: NotRequired[
        Annotated[
            str,
            Field(
                description="As in the answer to `POST /auth/email/verify`, which alone has it.",
                examples=["/cart"],
            ),
        ]
    ]


class SecondFactorRequired(Unauthorized):
    """The password was right. The response also has the input of `POST /auth/login/second-factor`."""

    code, message = "second_factor_required", "The password is right. Prove your second factor as well."
    members = SecondFactorMembers

    def __init__(self, given: SecondFactorMembers) -> None:
        super().__init__()
        self.extra = dict(given)
