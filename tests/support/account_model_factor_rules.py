"""The calls of the account model about codes, and the second step of a login."""

from collections.abc import Callable
from typing import Any

from tests.support.account_model import DAY, Owner, Session
from tests.support.account_model_factors import (
    MAX_TRIES,
    SET_UP,
    TRUSTED,
    App,
    Challenge,
    Factors,
    Proof,
    step_at,
)
from tests.support.account_model_machine import Draw, Members, newest
from tests.support.authenticator_app import Authenticator
from tests.support.soft_passkey import PRESENT, SoftPasskey

SIGNED_IN = {
    "code": "signed_in_with_code",
    "passkey": "signed_in_with_passkey",
    "recovery_code": "signed_in_with_recovery_code",
}
REFUSED = "second_factor_refused"
NO_CODE, NO_RECOVERY_CODE = "000000", "aaaa-aaaa-aaaa-aaaa-aaaa-aaaa"
# The third is from a cloned passkey, the last one from another account's: both are otherwise valid.
FORGERIES: tuple[dict[str, Any], ...] = (
    *({"flags": PRESENT}, {"origin": "https://elsewhere.example"}, {}, {"handle": b"another"}, {}),
)


class ProofMaker(Members):
    """Makes correct and incorrect second-factor proofs."""

    def asked(self, owner: Owner) -> list[Challenge]:
        return [one for one in owner.factors.challenges if one.purpose == "sign_in"]

    def waiting(self, draw: Draw, *, odd: bool | None = None) -> tuple[Owner, Challenge] | None:
        """Return a pending login and its account; with `odd`, possibly an ended one."""
        every = [(owner, one) for owner in self.world.owners for one in self.asked(owner)]
        every.sort(key=lambda pair: pair[1].created)
        good = [pair for pair in every if self.refusal(*pair) is None]
        any_will_do = (draw.odd or draw.which == 8) if odd is None else odd
        found: tuple[Owner, Challenge] | None = newest(every if any_will_do else good, draw.which)
        return found

    def refusal(self, owner: Owner, challenge: Challenge) -> str | None:
        """Return the error code with which a second step is refused before the factor is checked."""
        is_over = challenge.pruned or challenge.used_at or not owner.opens or not owner.factors.on
        if is_over:
            return "challenge_invalid"
        return None if challenge.is_alive(self.world.now) else "challenge_expired"

    def proof(self, owner: Owner | None, draw: Draw, challenge: Challenge | None, *kinds: str) -> Proof:
        """Return a proof for this account, of the drawn kind if the account has that."""
        mine = owner.factors if owner else Factors()
        has = {
            "code": bool(mine.app),
            "recovery_code": bool(mine.codes),
            "passkey": bool(challenge and challenge.options and self.keyring),
        }
        wanted = [kind for kind in (draw.kind, *kinds) if kind in kinds and has[kind]]
        kind = (wanted or ["code"])[0]
        if kind == "passkey" and challenge:
            soft = newest([key.soft for key in mine.keys] or self.keyring, draw.which)
            return self.signed(soft, mine, draw, challenge)
        text = self.a_code(mine.app, draw) if kind == "code" else self.a_recovery_code(mine, draw)
        shown = text.upper().replace("-", " ") if draw.flag else text
        return Proof(kind, {kind: shown}, text)

    def a_code(self, app: App | None, draw: Draw) -> str:
        if app is None:
            return NO_CODE
        if draw.slip:
            wrong = (app.phone.wrong_code, app.phone.code, lambda: app.phone.code(-2))
            return wrong[draw.which % 3]()  # the second is right, or used already
        if app.on and app.last_step >= step_at(self.world.now):
            return app.phone.next_code()
        before = -1 if draw.which == 3 and app.last_step < step_at(self.world.now) - 1 else 0
        return app.phone.code(before)

    def a_recovery_code(self, factors: Factors, draw: Draw) -> str:
        if draw.slip:
            others = [code for owner in self.world.owners for code in owner.factors.codes]
            spent = factors.spent if draw.flag else [code for code in others if code not in factors.codes]
            return str(newest(spent, draw.which) or NO_RECOVERY_CODE)
        return str(newest(factors.codes, draw.which))

    def signed(self, soft: SoftPasskey, factors: Factors, draw: Draw, challenge: Challenge) -> Proof:
        """Return an assertion; a slip is unverified, of another origin, cloned, or another account's."""
        how: dict[str, Any] = {}
        if draw.slip:
            how = FORGERIES[draw.which % 5]
            key = factors.key_of(soft)
            if draw.which % 5 == 2 and key:
                soft.count = key.counted - 1
            elif not how:
                soft = newest([soft, *self.keyring], 0)  # which may be the right one
        credential = soft.get(challenge.options or {}, **how)
        return Proof("passkey", {"passkey": credential}, "", soft, soft.count, challenge, genuine=not how)

    def mail_about_wrong_codes(self, owner: Owner) -> tuple[str, ...]:
        """Return the tables written when a refusal uses up the last attempt, which is mailed once a day."""
        mail, now = "second_factor_guessing", self.world.now
        if owner.factors.tries < MAX_TRIES or any(
            kind == mail and at > now - DAY for kind, at in owner.written
        ):
            return ()
        self.world.notify(owner, mail)
        return ("outbox",)

    def prove(
        self,
        owner: Owner,
        proof: Proof,
        call: Callable[..., Any],
        refusal: str = "wrong_code",
        challenge: Challenge | None = None,
    ) -> bool:
        """Return whether this proof is correct and the call continues; otherwise expect the refusal."""
        outcome = owner.factors.attempt(proof, self.world.now, challenge)
        if outcome == "rate_limited":
            call(outcome, None)
        elif outcome == "wrong":
            uses_up = ("challenges",) if challenge and challenge.purpose == "reauth" else ()
            if uses_up and challenge:
                challenge.used_at = self.world.now
            call(refusal, REFUSED, touches=(*self.mail_about_wrong_codes(owner), *uses_up))
        elif challenge:
            challenge.used_at = self.world.now
        return outcome == "right"


class CodeCalls(ProofMaker):
    """The second step of a login; and TOTP: enabled, disabled, and recovery codes replaced."""

    def second_step(self, draw: Draw) -> None:
        self.clock.advance(1)
        owner, challenge = self.waiting(draw) or self.waiting(draw, odd=True) or (None, None)
        proof = self.proof(owner, draw, challenge, "code", "recovery_code", "passkey")
        given = {"challenge_token": challenge.token if challenge else "x" * 64, **proof.body}

        def call(expected: str, event: str | None, touches: tuple[str, ...] = ()) -> None:
            self.service.call("login/second-factor", given, expected, event, touches=touches)

        if owner is None or challenge is None:
            call("challenge_invalid", REFUSED)
        elif refusal := self.refusal(owner, challenge):
            call(refusal, REFUSED)
        elif self.prove(owner, proof, call, "second_factor_invalid", challenge):
            told = "recovery_code_used" if proof.kind == "recovery_code" else ""
            mark = self.welcome(
                owner,
                "login/second-factor",
                {**given, "trust_device": draw.flag},
                SIGNED_IN[proof.kind],
                newest(["", *self.marks], draw.which),
                remember=challenge.remembered,
                by_factor=True,
                told=told,
            )
            if draw.flag:
                owner.factors.trusted[mark] = self.world.now + TRUSTED

    def check_challenges(self) -> None:
        """Assert that no ended login challenge can be completed."""
        for owner in self.world.owners:
            for challenge in self.asked(owner):
                if refusal := self.refusal(owner, challenge):
                    given = (owner.factors.codes or [NO_RECOVERY_CODE])[0]
                    body = {"challenge_token": challenge.token, "recovery_code": given}
                    self.service.call("login/second-factor", body, refusal, REFUSED)

    def guess(self, draw: Draw) -> None:
        """Try wrong codes, knowing the password, until no attempt is left."""
        for _ in range(MAX_TRIES + 2 if draw.flag else 3):
            self.second_step(draw._replace(kind="code", slip=True, which=0))

    def begin_app(self, draw: Draw) -> None:
        session, token = self.fresh(draw, "totp", {}, by_factor=True)
        if session is None:
            return
        mine = session.owner.factors
        if mine.app and mine.app.on:
            self.service.call("totp", {}, "totp_enabled", None, token=token)
        else:
            begun = self.service.call("totp", {}, 200, "totp_begun", token=token).get_json()
            mine.app = App(Authenticator(begun["secret"], self.clock), self.world.now)

    def confirm_app(self, draw: Draw) -> None:
        caller = self.token(draw.which, draw.odd)[0]
        proof = self.proof(caller.owner if caller else None, draw, None, "code")
        body = {"code": proof.text, "end_other_sessions": draw.flag}
        session, token = self.fresh(draw, "totp/confirm", body, by_factor=True)
        if session is None:
            return
        owner, mine, now = session.owner, session.owner.factors, self.world.now

        def call(expected: int | str, event: str | None, touches: tuple[str, ...] = ()) -> Any:
            return self.service.call("totp/confirm", body, expected, event, token=token, touches=touches)

        if mine.app is None or (not mine.app.on and now - mine.app.begun > SET_UP):
            call("totp_not_begun", None)
        elif mine.app.on:
            call("totp_enabled", None)
        elif not mine.spend(now):
            call("rate_limited", None)
        elif (step := mine.app.step_of(proof.text, now)) is None:
            call("wrong_code", REFUSED, touches=self.mail_about_wrong_codes(owner))
        else:
            mine.tries -= 1
            mine.app.on, mine.app.last_step, mine.on = True, step, mine.on or now
            session.proven = now
            mine.changed(now)
            if draw.flag:
                self.world.end(s for s in self.world.sessions if s.owner is owner and s is not session)
            self.world.mail_link(owner, "disown", "two_factor_enabled", limit="notification")
            mine.new_codes(call(200, "totp_enabled").get_json()["recovery_codes"], now)

    def with_a_code(self, draw: Draw, path: str, method: str) -> tuple[Owner | None, Callable[..., Any]]:
        """Return the account and the call, given a fresh login and a code."""
        caller = self.token(draw.which, draw.odd)[0]
        proof = self.proof(caller.owner if caller else None, draw, None, "code", "recovery_code")
        session, token = self.fresh(draw, path, proof.body, method)

        def call(expected: int | str, event: str | None, touches: tuple[str, ...] = ()) -> Any:
            return self.service.call(
                path, proof.body, expected, event, token=token, method=method, touches=touches
            )

        if session and not session.owner.factors.on:
            call("two_factor_off", None)
        elif session:
            mine = session.owner.factors
            before = mine.used()
            if self.prove(session.owner, proof, call):
                if method != "DELETE" or (mine.app and mine.app.on):
                    return session.owner, call
                mine.take_back(before)  # there is nothing to switch off
                call("two_factor_off", None)
        return None, call

    def remove_app(self, draw: Draw) -> None:
        owner, call = self.with_a_code(draw, "totp", "DELETE")
        if owner:
            owner.factors.app = None
            owner.factors.remove_codes_without_factor()
            owner.factors.changed(self.world.now)
            self.world.notify(owner, "two_factor_disabled")
            call(200, "totp_disabled")

    def replace_codes(self, draw: Draw) -> None:
        owner, call = self.with_a_code(draw, "recovery-codes", "POST")
        if owner:
            owner.factors.changed(self.world.now)
            self.world.notify(owner, "recovery_codes_replaced")
            codes = call(200, "recovery_codes_replaced").get_json()["recovery_codes"]
            owner.factors.new_codes(codes, self.world.now)

    def renewed(self, session: Session, token: str) -> None:
        """Record what a step-up by factor gives a session."""
        session.signed_in = session.proven = self.world.now
        session.replace_access(token, self.world.now)
