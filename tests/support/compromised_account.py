"""An account in which an intruder is logged in, and the mailed links that end that."""

from collections.abc import Callable

from flask import Flask

from auth.cookies import DEVICE_HEADER
from tests.support import mailbox
from tests.support.authenticator_app import Authenticator
from tests.support.requests import HOUR, NEW, confirmed, moved, post
from tests.support.service import FixedClock, login


class CompromisedAccount:
    """An account without a second factor, and a session of an intruder who knows its password."""

    def __init__(self, app: Flask, clock: FixedClock) -> None:
        self.app, self.clock, self.client = app, clock, app.test_client()
        confirmed(app)
        self.owner: dict[str, str] = login(self.client).get_json()  # in the owner's old browser
        clock.advance(HOUR)
        self.access = str(login(self.client).get_json()["access_token"])
        self.link = mailbox.token(app, "new_sign_in")
        clock.advance(60)

    def app_on(self) -> Authenticator:
        phone = Authenticator(post(self.client, "totp", self.access).get_json()["secret"], self.clock)
        assert post(self.client, "totp/confirm", self.access, code=phone.code()).status_code == 200
        return phone

    def use(self, path: str, link: str) -> None:
        """Use a mailed link in the owner's old browser."""
        body = {"token": link, "refresh_token": self.owner["refresh_token"]}
        headers = {DEVICE_HEADER: self.owner["device_token"]}
        assert self.client.post(f"/auth/{path}", json=body, headers=headers).status_code == 200

    def by_mailbox(self, path: str, link: str) -> None:
        """Use a mailed link without anything else."""
        assert post(self.app.test_client(), path, token=link).status_code == 200

    def new_password(self) -> None:
        token = mailbox.token(self.app, "password_blocked")
        assert post(self.client, "password/reset", token=token, password=NEW).status_code == 200


Way = Callable[[CompromisedAccount], tuple[str, str]]  # to a path and the link that is used there


def by_first_mail(compromised: CompromisedAccount) -> tuple[str, str]:
    return "sessions/disown", compromised.link


def by_undoing_a_later_move(compromised: CompromisedAccount) -> tuple[str, str]:
    assert moved(compromised.app, compromised.access).status_code == 200
    return "email/change/undo", mailbox.token(compromised.app, "email_changed")
