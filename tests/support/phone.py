"""An authenticator app on this machine's clock, for servers that run as processes."""

import time

from pyotp import TOTP

from tests.support.server import Server, until
from tests.support.service import PASSWORD

STEP = 30  # seconds


class Phone:
    """An authenticator app on this machine's clock. Of the two valid codes, the older comes first."""

    def __init__(self, key: str) -> None:
        self._generator, self._step = TOTP(key.replace(" ", "")), 0

    def code(self) -> str:
        """Return a code that was not used yet and stays valid for at least five seconds."""
        until(self._takes_next, "the time of the next code")
        return self._generator.at(self._step * STEP)

    def _takes_next(self) -> bool:
        now = time.time()
        step = max(self._step + 1, int(now) // STEP - 1)
        if not step * STEP <= now < (step + 2) * STEP - 5:
            return False
        self._step = step
        return True


def phone_of(server: Server, address: str) -> Phone:
    """Set up an authenticator app for the account of this address, which ends its other sessions."""
    status, answer = server.call("POST", "/auth/login", {"email": address, "password": PASSWORD})
    assert status == 200, answer
    token = answer["access_token"]
    phone = Phone(server.call("POST", "/auth/totp", {}, token=token)[1]["secret"])
    status, answer = server.call("POST", "/auth/totp/confirm", {"code": phone.code()}, token=token)
    assert status == 200, answer
    return phone
