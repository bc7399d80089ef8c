"""The request bodies that several packages share."""

from pydantic import ConfigDict

from auth.fields import Email
from utils.web.validation import Body


class Address(Body):
    """`POST /auth/password/forgot`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@example.com"}]})

    email: Email
