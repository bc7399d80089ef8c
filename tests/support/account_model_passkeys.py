"""The passkey calls of the account model, and step-up by factor."""

from typing import Any

from tests.support.account_model import Owner, Session
from tests.support.account_model_client import TABLES
from tests.support.account_model_factor_rules import CodeCalls
from tests.support.account_model_factors import RESET_AFTER, SET_UP, Challenge, Key
from tests.support.account_model_machine import Call, Draw, newest
from tests.support.soft_passkey import PRESENT, VERIFIED, SoftPasskey


class FactorCalls(CodeCalls):
    """Passkeys: added, removed and used alone; and the calls that must precede each factor call."""

    def holder(self, soft: SoftPasskey) -> Owner | None:
        return next((owner for owner in self.world.living() if owner.factors.key_of(soft)), None)

    def a_passkey(self, draw: Draw) -> SoftPasskey | None:
        """Return a passkey of an account if there is any, or a removed one."""
        held = [soft for soft in self.keyring if self.holder(soft)]
        found: SoftPasskey | None = newest(self.keyring if draw.odd or not held else held, draw.which)
        return found

    def add_passkey(self, draw: Draw) -> None:
        session, token = self.fresh(draw, "passkeys/options", {}, by_factor=True)
        if session is None:
            return
        asked = session.owner.factors.ask("new_passkey", self.world.now)
        answer = self.service.call("passkeys/options", {}, 200, None, token=token)
        asked.options = answer.get_json()["public_key"]
        old = [one for one in session.owner.factors.challenges if one.purpose == "new_passkey"]
        self.answer_with(draw, newest(old, draw.which) if draw.slip else asked)

    def answer_with(self, draw: Draw, challenge: Challenge) -> None:
        soft = (self.a_passkey(draw) if draw.odd else None) or SoftPasskey()
        before, flags = soft.user_handle, PRESENT | (0 if draw.slip and draw.flag else VERIFIED)
        made = soft.create(challenge.options or {}, flags=flags)
        body: dict[str, Any] = {"credential": made, "name": "Phone"}
        ends_others = draw.which % 2 == 0
        if not ends_others:
            body["end_other_sessions"] = False
        handle, soft.user_handle = soft.user_handle, before
        session, token = self.fresh(draw, "passkeys", body, by_factor=True)
        if session is None:
            return
        owner, mine, now = session.owner, session.owner.factors, self.world.now
        is_mine = challenge in mine.challenges and challenge.is_alive(now) and not challenge.pruned
        if not is_mine or not flags & VERIFIED:
            challenge.used_at = challenge.used_at or (now if is_mine else None)
            touched = ["challenges"] if is_mine else []
            self.service.call("passkeys", body, "passkey_refused", None, token=token, touches=touched)
        elif self.holder(soft):
            self.service.call("passkeys", body, "passkey_taken", None, token=token)
        else:
            is_first = mine.on is None
            mine.on, session.proven = mine.on or now, now
            mine.keys.append(key := Key(soft, "", now, soft.count))
            mine.changed(now)
            if is_first and ends_others:
                self.world.end(s for s in self.world.sessions if s.owner is owner and s is not session)
            self.world.mail_link(owner, "disown", "passkey_added", limit="notification")
            answer = self.service.call("passkeys", body, 201, "passkey_added", token=token).get_json()
            if is_first:
                mine.new_codes(answer["recovery_codes"], now)
            assert is_first or answer["recovery_codes"] is None
            key.id = answer["passkey"]["id"]
            soft.user_handle = handle
            self.keyring = [*(one for one in self.keyring if one is not soft), soft]

    def remove_passkey(self, draw: Draw) -> None:
        caller = self.token(draw.which, draw.odd)[0]
        every = [key for owner in self.world.living() for key in owner.factors.keys]
        mine = caller.owner.factors.keys if caller else []
        key: Key | None = newest(every if draw.odd or draw.slip else mine or every, draw.which)
        path = f"passkeys/{key.id if key else '00000000-0000-4000-8000-000000000000'}"
        session, token = self.fresh(draw, path, None, "DELETE", by_factor=True)
        if session is None:
            return
        factors = session.owner.factors
        if key is None or key not in factors.keys:
            self.service.call(path, None, "passkey_not_found", None, token=token, method="DELETE")
        elif session.owner.password is None and len(factors.keys) == 1:
            self.service.call(path, None, "last_way_in", None, token=token, method="DELETE")
        else:
            factors.keys.remove(key)
            factors.remove_codes_without_factor()
            factors.changed(self.world.now)
            self.world.notify(session.owner, "passkey_removed")
            self.service.call(path, None, 204, "passkey_removed", token=token, method="DELETE")

    def remove_password(self, draw: Draw) -> None:
        session, token = self.fresh(draw, "password", None, "DELETE", by_factor=True)
        if session is None:
            return
        owner = session.owner
        if owner.password is None or not owner.factors.keys:
            refusal = "no_password" if owner.password is None else "last_way_in"
            self.service.call("password", None, refusal, None, token=token, method="DELETE")
        else:
            owner.password, owner.factors.trusted = None, {}
            owner.factors.void(self.world.now)
            self.world.void(owner, ("reset", "email_change"))
            self.world.end(s for s in self.world.sessions if s.owner is owner and s is not session)
            self.world.notify(owner, "password_removed")
            self.service.call("password", None, 200, "password_removed", token=token, method="DELETE")

    def begin_reset(self, draw: Draw) -> None:
        """Begin a factor reset as an operator; then possibly log in with a passkey."""
        mine = [owner for owner in self.world.owners if owner.factors.on and owner.opens]
        owner: Owner | None = newest([each for each in mine if not each.factors.reset_due], draw.which)
        if owner:
            self.clock.advance(1)
            owner.factors.reset_due = self.world.now + RESET_AFTER
            self.world.mail(owner, "factors_reset_begun")
            self.service.begin_reset(owner.name)
            if draw.flag:
                self.clock.advance(int(RESET_AFTER.total_seconds()))
                self.by_passkey(draw)

    def by_passkey(self, draw: Draw) -> None:
        """Log in by passkey alone."""
        self.clock.advance(1)
        self.world.asked.append(asked := Challenge("passkey_sign_in", self.world.now))
        options = self.service.call("login/passkey/options", {}, 200, None)
        asked.options = options.get_json()["public_key"]
        self.clock.advance(1)
        soft = self.a_passkey(draw) or SoftPasskey()
        owner, now = self.holder(soft), self.world.now
        challenge: Challenge = asked
        if draw.slip and draw.flag:  # one that was answered, or is for another purpose
            others = [one for each in self.world.owners for one in self.asked(each) if one.options]
            challenge = newest([*self.world.asked[:-1], *others], draw.which) or asked
        factors = owner.factors if owner else self.world.owners[0].factors
        draw = draw._replace(slip=draw.slip and not draw.flag)
        proof = self.signed(soft, factors, draw, challenge)
        body = {"credential": proof.body["passkey"], "remember": draw.flag}
        is_asked = challenge in self.world.asked and challenge.is_alive(now)
        owner = self.holder(proof.soft) if proof.soft else None
        key = owner.factors.key_of(proof.soft) if owner else None
        is_signed = bool(is_asked and key and proof.genuine)
        if is_signed:
            challenge.used_at = now
        also = self.world.apply_due_reset(owner) if owner else ()
        is_right = bool(not also and is_signed and key and not key.needs_password and key.takes(proof.count))
        if owner and is_right and owner.opens:
            shown = newest(["", *self.marks], draw.which)
            event, path = "signed_in_with_passkey", "login/passkey"
            self.welcome(owner, path, body, event, shown, remember=draw.flag, by_factor=True)
        else:
            touched = ["challenges", "passkeys"] if is_right else ["challenges"] if is_signed else []
            refused = "sign_in_refused"
            touched += TABLES if also else ()
            self.service.call("login/passkey", body, "passkey_invalid", refused, touches=touched, also=also)

    def reauth_by_factor(self, draw: Draw) -> None:
        """Step up with a code or a passkey instead of the password."""
        self.clock.advance(1)
        session, token = self.token(draw.which, draw.odd)
        has_app = session is not None and session.owner.factors.app is not None
        wants_passkey = draw.kind == "passkey" or not (has_app or draw.odd)
        challenge = self.asked_again(session, token) if wants_passkey else None
        kinds = ("passkey", "code") if wants_passkey else ("code",)
        proof = self.proof(session.owner if session else None, draw, challenge, *kinds)
        self.clock.advance(1)
        session, token = self.token(draw.which, draw.odd)

        def call(expected: int | str, event: str | None, touches: tuple[str, ...] = ()) -> Any:
            return self.service.call("reauth", proof.body, expected, event, token=token, touches=touches)

        if session is None:
            call("token_invalid", None)
        elif not session.owner.factors.on:
            call("two_factor_off", None)
        elif self.prove(session.owner, proof, call, challenge=self.of(session.owner, proof.answers)):
            answer = call(200, "reauthenticated")
            self.renewed(session, answer.get_json()["access_token"])

    def of(self, owner: Owner, challenge: Challenge | None) -> Challenge | None:
        """Return this challenge if it is bound to this account."""
        return challenge if challenge in owner.factors.challenges else None

    def asked_again(self, session: Session | None, token: str) -> Challenge | None:
        if session is None or not session.owner.factors.keys:
            code = "no_passkeys" if session else "token_invalid"
            self.service.call("reauth/options", {}, code, None, token=token)
            return None
        asked = session.owner.factors.ask("reauth", self.world.now)
        answer = self.service.call("reauth/options", {}, 200, None, token=token)
        asked.options = answer.get_json()["public_key"]
        return asked

    # What has to come first

    def before(self, call: Call, draw: Draw) -> Call:
        """Return the call, or another one that must precede it."""
        if call in {CodeCalls.second_step, CodeCalls.guess}:
            return call if self.waiting(draw, odd=False) else FactorCalls.sign_in
        if call is FactorCalls.by_passkey:
            return call if any(self.holder(soft) for soft in self.keyring) else FactorCalls.add_passkey
        session = self.token(draw.which, odd=False)[0]
        if session is None or call not in self.CHANGES:
            return call
        mine = session.owner.factors
        is_late = mine.app and not mine.app.on and self.world.now - mine.app.begun > SET_UP
        if call is CodeCalls.remove_app and mine.keys and draw.kind == "recovery_code":
            return call  # where there may be no app
        wants_app = {CodeCalls.remove_app, CodeCalls.replace_codes, CodeCalls.confirm_app}
        if call in wants_app and (not mine.app or (is_late and not draw.slip)):
            call = CodeCalls.begin_app
        if call in {FactorCalls.remove_passkey, FactorCalls.remove_password} and not mine.keys:
            call = FactorCalls.add_passkey
        elif call is CodeCalls.remove_app and mine.app and not mine.app.on:
            call = CodeCalls.confirm_app
        if not self.is_fresh(session, by_factor=True):
            return FactorCalls.reauth_by_factor if mine.on else FactorCalls.reauth
        return call

    CHANGES: tuple[Call, ...] = (
        *(CodeCalls.begin_app, CodeCalls.confirm_app, CodeCalls.remove_app, CodeCalls.replace_codes),
        *(CodeCalls.change_email, add_passkey, remove_passkey, remove_password),
    )
