"""A state machine over two accounts: the calls that need no mailed link."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from flask import Flask
from hypothesis.stateful import RuleBasedStateMachine, initialize

from tests.support.account_model import HOUR, LIFETIMES, OPENING, Owner, Session, World
from tests.support.account_model_client import CheckedService
from tests.support.account_model_factors import FRESH, Factors
from tests.support.service import START, FixedClock
from tests.support.soft_passkey import SoftPasskey

ENDS = ("sessions", "outbox")
PASSWORDS = ("correct horse battery", "a second long one", "a third long one")
ADDRESSES = [f"{name}@example.com" for name in ("ada", "bob", "new", "other")]
KINDS = ("code", "code", "code", "recovery_code", "passkey", "passkey")


class Draw(NamedTuple):
    """Random choices for one call."""

    name: str
    address: str
    password: str
    which: int  # of several links or sessions, counted from the newest
    odd: bool  # one that need not work
    flag: bool
    kind: str  # of a proof of a second factor
    slip: bool  # one that is wrong


Json = dict[str, Any] | None
Call = Callable[[Any, Draw], None]


def drawn(chance: Random) -> Draw:
    return Draw(
        name=chance.choice(["ada", "bob"]),
        address=chance.choice(ADDRESSES),
        password=chance.choice(PASSWORDS),
        which=chance.choice([0, 0, 1, 1, 2, 3, 5, 8]),
        odd=chance.random() < 0.1,
        flag=chance.random() < 0.5,
        kind=chance.choice(KINDS),
        slip=chance.random() < 0.2,
    )


def newest(things: list[Any], number: int) -> Any:
    return things[-1 - number % len(things)] if things else None


class Members(RuleBasedStateMachine):
    """Each method makes a call and states its expected response."""

    def __init__(self, app: Flask, clock: FixedClock) -> None:
        super().__init__()
        clock.moment = START
        self.clock, self.world = clock, World(clock)
        self.service = CheckedService(app, self.world)
        self.marks: list[str] = []
        self.keyring: list[SoftPasskey] = []

    def token(self, number: int, odd: bool) -> tuple[Session | None, str]:
        """Return an access token that was issued, and its session if the token is still accepted."""
        session, token, expires = newest(self.tokens(odd=odd), number) or (None, "x.y.z", self.world.now)
        return (session if session and session.admits(expires, self.world.now) else None), token

    def tokens(self, *, odd: bool) -> list[tuple[Session, str, datetime]]:
        """Return every access token issued, or only the accepted ones if there are any."""
        given = [(session, *pair) for session in self.world.sessions for pair in session.access]
        good = [one for one in given if one[0].admits(one[2], self.world.now)]
        return given if odd or not good else good

    def a_session(self, draw: Draw) -> Session | None:
        living = [one for one in self.world.sessions if one.lives(self.world.now)]
        found: Session | None = newest(self.world.sessions if draw.odd else living, draw.which)
        return found

    @initialize()
    def two_accounts(self) -> None:
        for name in ("ada", "bob"):
            draw = drawn(Random(name))
            self.register(draw._replace(name=name, address=f"{name}@example.com", password=PASSWORDS[0]))
            self.login(name, PASSWORDS[0], remember=True)

    def register(self, draw: Draw) -> None:
        self.clock.advance(1)
        name, address, password = draw.name, draw.address, draw.password
        body = {"username": name, "email": address, "password": password}
        if self.world.is_kept(name):
            self.service.call("register", body, "username_taken", None)
            body["username"] = name = f"{name}{len(self.world.owners)}"
        if self.world.named(name):
            self.service.call("register", body, "username_taken", None)
        elif self.world.at(address) or self.world.is_reserved(address):
            self.service.call("register", body, "email_taken", None)
        else:
            self.world.owners.append(owner := Owner(name, address, password))
            self.world.mail_link(owner, "verify", "verify_email")
            self.service.call("register", body, 201, "account_registered")

    def sign_in(self, draw: Draw) -> None:
        name = draw.address if draw.flag else draw.name
        owner = self.world.at(name) or self.world.named(name)
        if not draw.odd and not (owner and owner.opens):
            owner = newest([one for one in self.world.owners if one.opens], draw.which) or owner
            name = owner.name if owner else name
        password = (not draw.odd and owner and owner.password) or draw.password
        self.login(name, password, draw.which, remember=draw.flag)

    def login(self, name: str, password: str, mark: int = 0, *, remember: bool = False) -> None:
        self.clock.advance(1)
        owner, now = self.world.at(name) or self.world.named(name), self.world.now
        body = {"username": name, "password": password, "remember": remember}
        if not (owner and owner.opens and owner.password == password):
            self.service.call("login", body, "invalid_credentials", "sign_in_refused")
            return
        also = self.world.apply_due_reset(owner)
        shown = newest(["", *self.marks], mark)
        if owner.factors.on and not owner.factors.trusts(shown, now):
            self.ask(owner.factors, body, shown, remember=remember)
        else:
            self.welcome(owner, "login", body, "signed_in", shown, remember=remember, also=also)

    def ask(self, factors: Factors, body: dict[str, Any], shown: str, *, remember: bool) -> None:
        """Expect the request for the second factor after a correct password."""
        challenge = factors.ask("sign_in", self.world.now, remembered=remember)
        sent = {"X-Device-Token": shown}
        event = "second_factor_asked"
        answer = self.service.call(
            "login", body, "second_factor_required", event, headers=sent, touches=["challenges"]
        ).get_json()
        assert answer["methods"] == factors.methods()
        challenge.token, challenge.options = answer["challenge_token"], answer.get("passkey_options")
        assert bool(challenge.options) == bool(factors.keys)

    def welcome(
        self,
        owner: Owner,
        path: str,
        body: dict[str, Any],
        event: str,
        shown: str,
        *,
        remember: bool,
        by_factor: bool = False,
        told: str = "",
        also: tuple[str, ...] = (),
    ) -> str:
        """Make a call that logs in from the device with this token; return the device token afterwards."""
        now, renames = self.world.now, bool(body.get("trust_device"))
        if by_factor:
            also = self.world.stop_reset(owner)
        if shown not in owner.devices:
            self.world.mail_link(owner, "disown", "new_sign_in")
        if told:
            self.world.notify(owner, told)
        sent = {"X-Device-Token": shown}
        answer = self.service.call(path, body, 200, event, headers=sent, also=also).get_json()
        mark = str(answer["device_token"])
        assert not shown or (mark == shown) != renames
        if renames:  # this account knows the device by its new mark only
            owner.devices.discard(shown)
            owner.factors.trusted.pop(shown, None)
        owner.devices.add(mark)
        self.marks = list(dict.fromkeys([*self.marks, mark]))
        session = Session(owner, now, remember, now, now)
        session.used(now)
        session.proven = now if by_factor else None
        session.refresh.append(answer["refresh_token"])
        session.access.append((answer["access_token"], now + HOUR))
        self.world.sessions.append(session)
        return mark

    def refresh(self, draw: Draw) -> None:
        self.clock.advance(1)
        session = self.a_session(draw)
        if session is None:
            return
        age = draw.which % len(session.refresh) if draw.flag else 0
        now, body = self.world.now, {"refresh_token": session.refresh[-1 - age]}
        if session.owner.erased or session.pruned:
            self.service.call("refresh", body, "refresh_token_invalid", None)
        elif session.ran_out(now):
            self.service.call("refresh", body, "refresh_token_expired", None)
        elif session.ended:
            self.service.call("refresh", body, "refresh_token_invalid", None)
        elif age == 0:
            event = "session_refreshed" if session.is_first_of_hour(now) else None
            answer = self.service.call("refresh", body, 200, event).get_json()
            session.used(now)
            session.rotated = now
            session.refresh.append(answer["refresh_token"])
            session.access.append((answer["access_token"], now + HOUR))
        elif age == 1 and session.rotated and now - session.rotated <= timedelta(seconds=20):
            answer = self.service.call("refresh", body, 200, None).get_json()
            assert answer["refresh_token"] == session.refresh[-1]
            session.access.append((answer["access_token"], now + HOUR))
        else:
            self.world.end([session])
            self.world.notify(session.owner, "session_stolen")
            self.service.call("refresh", body, "refresh_token_reused", "refresh_token_reused", touches=ENDS)

    def logout(self, draw: Draw) -> None:
        self.clock.advance(1)
        session = self.a_session(draw)
        if session is None:
            return
        ends = session.lives(self.world.now) and not session.owner.erased and not session.pruned
        self.world.end([session])
        event = "signed_out" if ends else None
        if draw.flag:
            self.service.call("logout", {"refresh_token": session.refresh[0]}, 204, event)
        else:
            self.service.call("logout", None, 204, event, token=session.access[0][0])

    def change_password(self, draw: Draw) -> None:
        self.clock.advance(1)
        session, token = self.token(draw.which, draw.odd)
        given, new = self.given(session, draw), draw.password
        body = {"current_password": given, "new_password": new, "end_other_sessions": draw.flag}
        if session is None:
            self.service.call("password/change", body, "token_invalid", None, token=token)
        elif given != session.owner.password:
            self.service.call("password/change", body, "wrong_current_password", "proof_refused", token=token)
        elif new == given:
            self.service.call("password/change", body, "password_unchanged", None, token=token)
        else:
            owner = session.owner
            owner.password = new
            self.world.void(owner, ("reset", "email_change"))
            owner.factors.void(self.world.now)
            if draw.flag:
                self.world.end(s for s in self.world.sessions if s.owner is owner and s is not session)
            self.world.notify(owner, "password_changed")
            self.service.call("password/change", body, 200, "password_changed", token=token)

    def given(self, session: Session | None, draw: Draw) -> str:
        """Return the correct password, most of the time."""
        return (session and draw.which and session.owner.password) or draw.password

    def reauth(self, draw: Draw) -> None:
        self.clock.advance(1)
        session, token = self.token(draw.which, draw.odd)
        given = self.given(session, draw)
        if session is None:
            self.service.call("reauth", {"password": given}, "token_invalid", None, token=token)
        elif given != session.owner.password:
            self.service.call(
                "reauth", {"password": given}, "wrong_current_password", "proof_refused", token=token
            )
        else:
            session.signed_in = self.world.now
            answer = self.service.call("reauth", {"password": given}, 200, "reauthenticated", token=token)
            session.replace_access(answer.get_json()["access_token"], self.world.now)

    def fresh(
        self, draw: Draw, path: str, body: Json, method: str = "POST", *, by_factor: bool = False
    ) -> tuple[Session | None, str]:
        """Return a session that may make this call, which requires a fresh login, and its token.

        With `by_factor` it also requires a fresh factor, if there is one. All other sessions are refused.
        """
        self.clock.advance(1)
        session, token = self.token(draw.which, draw.odd)
        if session is not None and self.is_fresh(session, by_factor=by_factor):
            return session, token
        code = "reauth_required" if session else "token_invalid"
        self.service.call(path, body, code, None, token=token, method=method)
        return None, token

    def is_fresh(self, session: Session, *, by_factor: bool = False) -> bool:
        moments = [session.signed_in]
        if by_factor and session.owner.factors.on:
            moments.append(session.proven or START - FRESH)
        return self.world.now - min(moments) < FRESH

    def change_email(self, draw: Draw) -> None:
        body = {"email": draw.address}
        session, token = self.fresh(draw, "email/change", body, by_factor=True)
        if session:
            self.world.mail_link(session.owner, "email_change", "change_email", to=draw.address)
            self.service.call("email/change", body, 202, "email_change_requested", token=token)

    def leave(self, draw: Draw) -> None:
        session, token = self.fresh(draw, "me", None, "DELETE")
        if session:
            owner = session.owner
            owner.leaving = due = self.world.now + LIFETIMES["restore"]
            self.world.end_everything(owner, OPENING)
            self.world.mail_link(owner, "restore", "deletion_requested", limit="notice", expires=due)
            self.service.call("me", None, 202, "deletion_requested", token=token, method="DELETE")
