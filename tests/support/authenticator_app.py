"""An authenticator app for tests, and shortcuts through the API with a second factor."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from pyotp import TOTP
from werkzeug.test import TestResponse

from tests.support.fast_beginnings import step
from tests.support.requests import confirm_addresses, post
from tests.support.service import FixedClock, bearer, login, signed_in

STEP = 30


class Authenticator:
    """An authenticator app with the secret, on the test's clock."""

    def __init__(self, secret: str, clock: FixedClock) -> None:
        self._generator, self._clock = TOTP(secret), clock

    def code(self, steps: int = 0) -> str:
        """Return the current code, or that of this many steps later."""
        return self._generator.at(self._clock.now(), counter_offset=steps)

    def next_code(self) -> str:
        """Advance the clock to the next step and return its code, which was not used yet."""
        self._clock.advance(STEP)
        return self.code()

    def wrong_code(self) -> str:
        """Return a code of no step near the current one."""
        right = {self.code(steps) for steps in range(-3, 4)}
        return next(code for code in (f"{number:06}" for number in range(10)) if code not in right)


def enabled(client: FlaskClient, access: str) -> tuple[str, list[str]]:
    """Enable TOTP; return its secret and the recovery codes."""
    environ = dict(client.environ_base)

    def take(app: Flask) -> tuple[str, list[str]]:
        of_app = client if app is client.application else app.test_client()
        of_app.environ_base.update(environ)
        begun = post(of_app, "totp", access)
        assert begun.status_code == 200, begun.get_data(as_text=True)
        secret = begun.get_json()["secret"]
        code = TOTP(secret).at(app.extensions["auth_services"].clock.now())
        confirmed = post(of_app, "totp/confirm", access, code=code)
        assert confirmed.status_code == 200, confirmed.get_data(as_text=True)
        return secret, confirmed.get_json()["recovery_codes"]

    return step(client.application, ["totp", access, environ], take)


class Owner:
    """A user with a confirmed address and TOTP enabled."""

    def __init__(self, client: FlaskClient, clock: FixedClock, name: str = "ada") -> None:
        self.client, self.name = client, name
        self.access = signed_in(client, name)["access_token"]
        confirm_addresses(client.application)
        secret, codes = enabled(client, self.access)
        self.phone = Authenticator(secret, clock)
        self.recovery_codes = [*codes]

    def challenge(self, **more: Any) -> str:
        """Log in with the password; return the challenge token."""
        asked = login(self.client, self.name, **more)
        assert asked.status_code == 401, asked.get_data(as_text=True)
        assert asked.get_json()["code"] == "second_factor_required"
        return str(asked.get_json()["challenge_token"])

    def second_step(self, challenge: str | None = None, **given: Any) -> TestResponse:
        headers = given.pop("headers", None)
        body = {"challenge_token": challenge or self.challenge()} | given
        return self.client.post("/auth/login/second-factor", json=body, headers=headers)

    def log_in(self, **more: Any) -> dict[str, Any]:
        """Complete both steps with a new code; return the body."""
        done = self.second_step(self.challenge(**more), code=self.phone.next_code())
        assert done.status_code == 200, done.get_data(as_text=True)
        body: dict[str, Any] = done.get_json()
        return body

    def reauthenticate(self, code: str) -> TestResponse:
        """Re-authenticate by a code, and go on with the new access token."""
        answer = post(self.client, "reauth", self.access, code=code)
        self.access = answer.get_json().get("access_token", self.access)
        return answer

    def remove(self, access: str | None = None, **given: str) -> TestResponse:
        return self.client.delete("/auth/totp", json=given, headers=bearer(access or self.access))


def trusted(owner: Owner, clock: FixedClock) -> dict[str, str]:
    """Trust a device; return its device token as a header."""
    done = owner.second_step(code=owner.phone.next_code(), trust_device=True)
    assert done.status_code == 200
    clock.advance(1)
    return {"X-Device-Token": done.get_json()["device_token"]}
