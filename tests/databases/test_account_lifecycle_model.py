"""Random sequences of calls on two accounts, compared with a simple model.

After each call: the response is the expected one, the audit log has exactly one more event, the due mails
were sent, a refusal changed nothing, and the database agrees with the model on every account, link, session
and token that ever existed.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from tests.conftest import AppFactory
from tests.support.account_model import OPENING, OVER, Link, Owner
from tests.support.account_model_client import TABLES
from tests.support.account_model_factor_rules import CodeCalls
from tests.support.account_model_machine import PASSWORDS, Call, Draw, Members, drawn, newest
from tests.support.account_model_passkeys import FactorCalls
from tests.support.service import FixedClock

pytestmark = pytest.mark.both_databases

SECONDS = [1] * 8 + [15, 30, 60, 300, 700, 3700, 30_000, 90_000, 270_000, 1_300_000]
PROOFS = ("right", "session", "right", "session", "other", "none")
# Calls that require a session.
OF_SESSIONS: set[Call] = {
    *(Members.change_password, Members.reauth, Members.change_email, Members.leave),
    *(CodeCalls.begin_app, CodeCalls.confirm_app, CodeCalls.remove_app, CodeCalls.replace_codes),
    *(FactorCalls.add_passkey, FactorCalls.remove_passkey, FactorCalls.reauth_by_factor),
    FactorCalls.remove_password,
}


class AccountMachine(FactorCalls):
    """Adds the calls that use a mailed link, or request one."""

    is_well, steps = True, 0  # nothing has failed so far

    def link(self, draw: Draw, *purposes: str, dead: bool = True) -> Link | None:
        """Return a valid link for one of these purposes, or else a void one; with `draw.odd`, any link."""
        mine = [link for link in self.world.links if link.purpose in purposes and link.token]
        alive = [link for link in mine if link.is_alive(self.world.now) and not link.owner.erased]
        every = [link for link in self.world.links if link.token]
        found: Link | None = newest(every if draw.odd else alive or mine * dead, draw.which)
        return found

    def refused(self, path: str, link: Link | None, *purposes: str, **body: Any) -> bool:
        """Call with an invalid link and return True; return False for a valid one, unused."""
        self.clock.advance(1)
        refusal = self.world.refusal(link, *purposes)
        if refusal is None and link and not self.world.is_for_the_current_address(link):
            refusal = "token_used"
        if refusal:
            token = link.token if link else "x" * 64
            self.service.call(path, {"token": token, **body}, refusal, "link_refused")
        return refusal is not None

    def forgot(self, draw: Draw) -> None:
        self.clock.advance(1)
        owner = self.world.at(draw.address)
        if owner and owner.leaving:
            self.world.mail_link(owner, "restore", "deletion_requested", expires=owner.leaving)
        elif owner:
            self.world.mail_link(owner, "reset", "reset_password")
        else:
            self.world.allows(f"reset_password {draw.address}")  # counted all the same
        self.service.call("password/forgot", {"email": draw.address}, 202, "password_reset_requested")

    def resend(self, draw: Draw) -> None:
        self.clock.advance(1)
        owner = self.world.at(draw.address)
        if owner and not owner.verified and not owner.leaving:
            self.world.mail_link(owner, "verify", "verify_email")
        else:
            self.world.allows(f"verify_email {draw.address}")
        self.service.call("email/resend", {"email": draw.address}, 202, "verification_requested")

    def reset(self, draw: Draw) -> None:
        link, password = self.link(draw, "reset"), draw.password
        if draw.which == 5:
            body = {"token": link.token if link else "x", "password": "short"}
            self.service.call("password/reset", body, "password_too_short", None)
        elif not self.refused("password/reset", link, "reset", password=password):
            assert link
            owner = link.owner
            if not owner.verified:
                self.world.prove(owner, owner.address)
                owner.devices = set()  # the registrant's devices; the factors are removed, too
                owner.factors.forget(self.world.now)
            owner.password, owner.blocked, owner.verified = password, False, True
            owner.factors.trusted = {}  # the owner's factors stay
            owner.factors.postpone(self.world.now)
            self.world.end_everything(owner, OPENING)
            self.world.mail(owner, "password_changed")
            body = {"token": link.token, "password": password}
            self.service.call("password/reset", body, 200, "password_reset")

    def verify(self, draw: Draw) -> None:
        self.clock.advance(1)
        proof = PROOFS[draw.which % len(PROOFS)]
        link = self.link(draw, "verify", "email_change")
        refusal = self.world.refusal(link, "verify", "email_change")
        if link is None or refusal:
            body = {"token": link.token if link else "x" * 64}
            self.service.call("email/verify", body, refusal or "", "link_refused")
            return
        owner, (session, token) = (
            link.owner,
            self.token(draw.which, draw.odd) if proof == "session" else (None, ""),
        )
        body = {"token": link.token}
        if proof in {"right", "other"}:
            body["password"] = (proof == "right" and owner.password) or draw.password
        if session is None or session.owner is not owner:
            if "password" not in body:
                self.service.call("email/verify", body, "missing_fields", None, token=token)
                return
            if not owner.opens or body["password"] != owner.password:
                self.service.call("email/verify", body, "invalid_credentials", "proof_refused")
                return
        if not self.world.is_for_the_current_address(link):
            self.service.call("email/verify", body, "token_used", "link_refused", token=token)
        elif link.purpose == "verify":
            owner.verified = True
            self.world.prove(owner, owner.address)
            self.world.void(owner, ["verify"])
            self.service.call("email/verify", body, 200, "email_verified", token=token)
        elif self.world.at(link.address) or self.world.is_reserved(link.address, owner):
            self.service.call("email/verify", body, "email_taken", None, token=token)
        else:
            self.move(owner, link)
            self.service.call("email/verify", body, 200, "email_changed", token=token)

    def move(self, owner: Owner, link: Link) -> None:
        self.world.prove(owner, link.address)
        self.world.void(owner, OVER)
        self.world.mail_link(owner, "email_undo", "email_changed", limit="notice")
        owner.address, owner.verified = link.address, True

    def reject(self, draw: Draw) -> None:
        link = self.link(draw, "verify")
        if not self.refused("email/reject", link, "verify"):
            assert link
            assert not link.owner.verified
            self.world.erase(link.owner)
            self.service.call("email/reject", {"token": link.token}, 200, "registration_rejected")

    def undo(self, draw: Draw) -> None:
        link = self.link(draw, "email_undo")
        if not self.refused("email/change/undo", link, "email_undo"):
            assert link
            owner = link.owner
            self.world.void(owner, ["email_undo"], since=link.created)
            self.world.void(owner, ["restore"])
            body, holder = {"token": link.token}, self.world.at(link.address)
            if holder not in {None, owner} or self.world.is_reserved(link.address, owner):
                self.world.lock_out(owner, since=link.created, mailed=False)
                path, event = "email/change/undo", "sign_in_disowned"
                self.service.call(path, body, "email_taken", event, touches=TABLES)
                return
            self.world.prove(owner, link.address)
            owner.address, owner.verified = link.address, True
            self.world.lock_out(owner, since=link.created)
            self.service.call("email/change/undo", body, 200, "email_change_undone")

    def disown(self, draw: Draw) -> None:
        link = self.link(draw, "disown")
        if not self.refused("sessions/disown", link, "disown"):
            assert link
            self.world.lock_out(link.owner, since=link.created)
            self.service.call("sessions/disown", {"token": link.token}, 200, "sign_in_disowned")

    def restore(self, draw: Draw) -> None:
        link = self.link(draw, "restore")
        if not self.refused("me/restore", link, "restore"):
            assert link
            link.owner.leaving = None
            link.owner.factors.postpone(self.world.now)
            self.world.void(link.owner, ["restore"])
            self.world.notify(link.owner, "account_restored")
            self.service.call("me/restore", {"token": link.token}, 200, "account_restored")

    def prune(self, _: Draw) -> None:
        self.clock.advance(1)
        assert self.world.prune() + 1 == self.service.prune()

    def stranger(self, draw: Draw) -> None:
        """Guessed tokens, and tokens of a login, are refused."""
        paths = ("password/reset", "email/reject", "email/change/undo", "me/restore", "sessions/disown")
        path = paths[draw.which % len(paths)]
        given = newest([s.refresh[0] for s in self.world.sessions] or ["x" * 76], 0)
        for token in (given[:64], given, "x" * 64):
            body = {"token": token, "password": "a password of a stranger"}
            body = body if path == "password/reset" else {"token": token}
            self.service.call(path, body, "token_unknown", "link_refused")
        self.login("unknown", "a password of a stranger")

    CALLS: tuple[Call, ...] = (
        *(Members.register, Members.sign_in, Members.sign_in, *[Members.refresh] * 4),
        *(Members.logout, *[Members.change_password] * 3, Members.reauth, Members.reauth, Members.leave),
        *(*[Members.change_email] * 2, *[verify] * 5, *[undo] * 4, forgot, resend),
        *(reset, reset, reject, reject, disown, disown, restore, restore, prune, stranger),
        *(*[CodeCalls.second_step] * 10, *[CodeCalls.guess] * 2, CodeCalls.begin_app),
        *(*[CodeCalls.confirm_app] * 5, *[CodeCalls.remove_app] * 4, CodeCalls.replace_codes),
        *(*[FactorCalls.add_passkey] * 2, *[FactorCalls.by_passkey] * 4, FactorCalls.remove_passkey),
        *(FactorCalls.remove_passkey, FactorCalls.remove_passkey, FactorCalls.reauth_by_factor),
        *(FactorCalls.remove_password, FactorCalls.remove_password, FactorCalls.begin_reset),
    )
    # The link purpose that a call needs, and the call that requests such a link.
    NEEDS: Mapping[Call, tuple[str, Call]] = {
        reset: ("reset", forgot),
        undo: ("email_undo", verify),
        verify: ("verify email_change", Members.change_email),
        reject: ("verify", resend),
        disown: ("disown", Members.sign_in),
        restore: ("restore", Members.leave),
    }

    def possible(self, call: Call, draw: Draw) -> Call:
        """Return the call, or another one that must precede it."""
        purposes, before = self.NEEDS.get(call, ("", call))
        if draw.odd:
            return call
        if purposes and not self.link(draw, *purposes.split(), dead=False):
            return self.possible(before, draw)
        call = self.before(call, draw)
        if call is Members.sign_in and draw.flag and self.waiting(draw, odd=False):
            return CodeCalls.second_step
        if call in OF_SESSIONS and self.token(draw.which, odd=False)[0] is None:
            call = CodeCalls.second_step if self.waiting(draw, odd=False) else Members.sign_in
        if call is Members.sign_in and not any(owner.opens for owner in self.world.owners):
            return (
                Members.register
                if len(self.world.living()) < 2
                else self.possible(AccountMachine.reset, draw)
            )
        return call

    # One rule, and not one for each call: hypothesis leaves some rules out of each life and repeats
    # what it drew, which explores well what is independent, and nothing here is.
    @rule(seed=st.integers(0, 2**32 - 1))
    def some_calls(self, seed: int) -> None:
        self.is_well, self.steps = False, self.steps + 1
        chance = Random(seed * 1000 + self.steps)
        for _ in range(4):
            draw = drawn(chance)
            call = self.possible(chance.choice(self.CALLS), draw)
            note(f"{call.__name__} {draw} at {self.clock.now():%d %H:%M:%S}")
            call(self, draw)
            self.compare()
        self.clock.advance(chance.choice(SECONDS))
        self.compare()
        self.is_well = True

    def compare(self) -> None:
        self.service.check_rows()
        self.service.check_tokens()

    def teardown(self) -> None:
        """At the end each account accepts its own password, if any, and no other."""
        if not self.is_well:
            return
        for owner in self.world.living():
            for password in PASSWORDS:
                self.login(owner.name, password)
        self.service.check_tokens(again=True)
        self.service.check_ended()
        self.check_challenges()
        self.service.check_links()


@pytest.mark.parametrize(
    "lives", [pytest.param(3, marks=pytest.mark.slow), pytest.param(18, marks=pytest.mark.nightly)]
)
def test_random_account_lifecycles_match_the_model(
    make_app: AppFactory, clock: FixedClock, database_uri: str, lives: int
) -> None:
    app = make_app()
    run_state_machine_as_test(
        lambda: AccountMachine(app, clock),  # type: ignore[arg-type]  # any callable that makes one
        settings=settings(
            derandomize=True,  # the same sequences every time: failures are reproducible
            database=None,
            deadline=None,
            # Postgres, which takes twice as long, has the first of those that SQLite has.
            max_examples=lives if database_uri.startswith("sqlite") else -(-lives // 3),
            stateful_step_count=20,
            phases=[Phase.generate],  # add Phase.shrink for the shortest life that fails: it takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
