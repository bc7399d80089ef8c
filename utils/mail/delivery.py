"""A background thread that delivers mail."""

import logging
from collections.abc import Callable

from utils.background import BackgroundTask

log = logging.getLogger("auth")

WAKE_DELAY = 0.2  # seconds before a delivery, so that it does not slow the response that wrote the mail
POLL = 5.0  # seconds between polls: retries become due, and other processes write mails


class Delivery(BackgroundTask):
    """Calls `deliver_next` until it returns False, when woken and every `poll` seconds."""

    def __init__(self, deliver_next: Callable[[], bool], *, in_background: bool, poll: float = POLL) -> None:
        super().__init__(
            "mail-delivery",
            deliver_next,
            interrupted=_log_interruption,
            in_background=in_background,
            poll=poll,
            delay=WAKE_DELAY,
        )


def _log_interruption(error: str) -> None:
    log.warning("delivery interrupted", extra={"error": error})
