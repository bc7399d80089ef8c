"""The answer that describes a mailed link."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12


class LinkStatus(TypedDict):
    status: Annotated[str, Field(examples=["valid"])]
    email: Annotated[str, Field(description="The address it was mailed to.", examples=["ada@example.com"])]


def valid_link(email: str) -> LinkStatus:
    return {"status": "valid", "email": email}
