"""The request bodies about email addresses."""

from auth.fields import ChallengeResponse
from auth.inputs import Address


class UnprovenAddress(Address):
    """`POST /auth/email/resend` and `/auth/email/change`."""

    challenge_response: ChallengeResponse | None = None
