"""A model of second factors: the rules of docs/guides/second-factors.md, without a database.
`account_model.py` has the accounts that they belong to.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.support.authenticator_app import STEP, Authenticator
from tests.support.soft_passkey import SoftPasskey

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
FRESH = 10 * MINUTE  # how young a proof must be for what is hard to take back
WAITS, SET_UP, TRUSTED = 5 * MINUTE, 60 * MINUTE, 30 * DAY
MAX_WAITING, MAX_TRIES, CODES = 10, 10, 10
WINDOW = 15 * MINUTE  # of wrong tries
RESET_AFTER, SUSPECT = DAY, 7 * DAY


@dataclass(eq=False)
class Challenge:
    """A pending login, or a passkey challenge. `used_at` is also set when the challenge is void."""

    purpose: str
    created: datetime
    remembered: bool = False
    token: str = ""
    options: dict[str, Any] | None = None
    used_at: datetime | None = None
    pruned: bool = False

    @property
    def expires(self) -> datetime:
        return self.created + WAITS

    def is_alive(self, now: datetime) -> bool:
        return self.used_at is None and self.expires > now

    def prune(self, now: datetime) -> None:
        self.pruned |= min(self.expires, self.used_at or self.expires) < now - DAY


@dataclass(eq=False)
class App:
    """An authenticator app, confirmed or not."""

    phone: Authenticator
    begun: datetime
    on: bool = False
    last_step: int = 0

    def step_of(self, code: str, now: datetime) -> int | None:
        """Return the step of this code: the current one, the previous one, or None."""
        found = [back for back in (0, 1) if self.phone.code(-back) == code]
        return step_at(now) - found[0] if found else None


def step_at(now: datetime) -> int:
    return int(now.timestamp()) // STEP


@dataclass(eq=False)
class Key:
    """A passkey of an account, and the sign count that the service last saw."""

    soft: SoftPasskey
    id: str
    added: datetime
    counted: int
    needs_password: bool = False

    def takes(self, count: int) -> bool:
        """Return whether an assertion with this sign count is not from a clone."""
        if not (count > self.counted or count == self.counted == 0):
            return False
        self.counted, self.needs_password = count, False
        return True


@dataclass
class Proof:
    """A submitted proof: the fields of the call, and whether it is correct."""

    kind: str
    body: dict[str, Any]
    text: str = ""
    soft: SoftPasskey | None = None
    count: int = 0
    answers: Challenge | None = None  # what the passkey signed
    genuine: bool = True


@dataclass(eq=False)
class Factors:
    """The second factors of one account, and everything that depends on them."""

    on: datetime | None = None  # since when the password alone opens nothing
    app: App | None = None
    keys: list[Key] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)  # recovery codes that are left
    spent: list[str] = field(default_factory=list)  # those that were used, or are void
    codes_made: datetime | None = None
    reset_due: datetime | None = None  # when all of this is forgotten, unless it is called off
    challenges: list[Challenge] = field(default_factory=list)
    trusted: dict[str, datetime] = field(default_factory=dict)  # devices, and until when
    tries: int = 0
    tries_end: datetime | None = None

    def methods(self) -> list[str]:
        """Return the accepted methods, as the first step lists them."""
        app = ["totp"] if self.app and self.app.on else []
        return app + ["passkey"] * bool(self.keys) + ["recovery_code"] * bool(self.codes)

    def key_of(self, soft: SoftPasskey | None) -> Key | None:
        return next((key for key in self.keys if key.soft is soft), None)

    def trusts(self, device: str, now: datetime) -> bool:
        return device in self.trusted and self.trusted[device] > now

    # Challenges

    def ask(self, purpose: str, now: datetime, *, remembered: bool = False) -> Challenge:
        alive = [one for one in self.challenges if one.purpose == purpose and one.is_alive(now)]
        for oldest in alive[: -(MAX_WAITING - 1)]:
            oldest.used_at = now
        self.challenges.append(asked := Challenge(purpose, now, remembered))
        return asked

    def void(self, now: datetime) -> None:
        for challenge in self.challenges:
            challenge.used_at = challenge.used_at or now

    # Proofs

    def spend(self, now: datetime) -> bool:
        """Use one of the ten attempts; return False if none is left."""
        is_over = self.tries_end is None or not now < self.tries_end <= now + WINDOW
        if not is_over and self.tries >= MAX_TRIES:
            return False
        if is_over or self.tries + 1 >= MAX_TRIES:  # the last try begins a window in which all are refused
            self.tries_end = now + WINDOW
        self.tries = 1 if is_over else self.tries + 1
        return True

    def attempt(self, proof: Proof, now: datetime, challenge: Challenge | None = None) -> str:
        """Return the outcome of this proof: right, wrong, or the error code of an earlier refusal."""
        if not self.spend(now):
            return "rate_limited"
        if not self.takes(proof, now, challenge):
            return "wrong"
        self.tries -= 1
        return "right"

    def takes(self, proof: Proof, now: datetime, challenge: Challenge | None) -> bool:
        if proof.kind == "recovery_code":
            is_left = proof.text in self.codes
            self.use_codes([proof.text] if is_left else [])
            return is_left
        if proof.kind == "passkey":
            key = self.key_of(proof.soft)
            answers = challenge is not None and proof.answers is challenge
            return bool(key and answers and proof.genuine and key.takes(proof.count))
        step = self.app.step_of(proof.text, now) if self.app and self.app.on else None
        if self.app is None or step is None or step <= self.app.last_step:
            return False
        self.app.last_step = step
        return True

    def used(self) -> tuple[Any, ...]:
        """Return what a correct proof uses up, for `take_back`."""
        return [*self.codes], [*self.spent], self.tries, self.tries_end

    def take_back(self, used: tuple[Any, ...]) -> None:
        self.codes, self.spent, self.tries, self.tries_end = used

    # Changes

    def use_codes(self, codes: Iterable[str]) -> None:
        for code in list(codes):
            self.codes.remove(code)
            self.spent.append(code)

    def new_codes(self, codes: list[str], now: datetime) -> None:
        assert len(set(codes)) == CODES
        assert not {*codes} & {*self.codes, *self.spent}
        self.use_codes(self.codes)
        self.codes, self.codes_made = codes, now

    def changed(self, now: datetime) -> None:
        """End what every change of factors ends."""
        self.trusted, self.reset_due = {}, None
        self.void(now)

    def remove_codes_without_factor(self) -> None:
        """Remove the recovery codes with the last factor."""
        if not self.keys and not (self.app and self.app.on):
            self.on = self.reset_due = None
            self.use_codes(self.codes)

    def forget(self, now: datetime) -> None:
        """Remove all factors; the password alone logs in."""
        self.app, self.keys = None, []
        self.remove_codes_without_factor()
        self.changed(now)

    def postpone(self, now: datetime) -> None:
        """Postpone a reset: time in which no one could log in to stop it does not count."""
        self.reset_due = now + RESET_AFTER if self.reset_due else None

    def suspect(self, since: datetime, now: datetime) -> None:
        """Mark recent passkeys as suspect. The calls show no older access: no factor goes."""
        since, self.reset_due = min(since, now - SUSPECT), None
        for key in self.keys:
            key.needs_password |= key.added >= since
