"""The answers about email addresses."""

from typing import Annotated, Literal

from pydantic import Field

from auth.mailing.outputs import LinkStatus, valid_link


class VerificationStatus(LinkStatus):
    purpose: Annotated[
        Literal["verify", "email_change"],
        Field(
            description="To confirm the account's address, or to move the account to another.",
            examples=["verify"],
        ),
    ]
    confirmed: Annotated[bool, Field(description="Whether the account has this address confirmed already.")]
    signed_up_here: Annotated[
        bool,
        Field(description="Whether this browser signed up, so that `cookie` delivery needs no password."),
    ]


def verification(purpose: str, email: str, confirmed: bool, *, signed_up_here: bool) -> VerificationStatus:
    is_change = purpose == "email_change"
    return {
        **valid_link(email),
        "purpose": "email_change" if is_change else "verify",
        "confirmed": confirmed,
        "signed_up_here": signed_up_here,
    }
