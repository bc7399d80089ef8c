"""An authenticator app on this machine's clock, for servers that run as processes."""

import time

from pyotp import TOTP

from tests.support.server import until

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
