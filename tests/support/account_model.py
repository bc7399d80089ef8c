"""A model of accounts, sessions, links and mails: the documented rules, without a database.
`test_account_lifecycle_model.py` compares the service with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.support.account_model_factors import Challenge, Factors
from tests.support.service import FixedClock

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LIFETIMES = {
    "verify": DAY,
    "reset": HOUR,
    "email_change": HOUR,
    "email_undo": 3 * DAY,
    "restore": 14 * DAY,
    "disown": 7 * DAY,
}
# What leaving voids, what the other ends void besides, and what only an intruder's end voids.
OPENING = ("verify", "reset", "email_change")
OVER = (*OPENING, "disown")
KEPT = 30 * DAY  # how long `prune` leaves what is over
NAME_KEPT = 90 * DAY  # from others, after its account was erased


@dataclass(eq=False)
class Link:
    """A mailed link. `used_at` is also set when the link is void."""

    purpose: str
    owner: "Owner"
    address: str
    created: datetime
    expires: datetime
    token: str = ""
    used_at: datetime | None = None
    pruned: bool = False
    proven: bool = True  # its account had confirmed the address

    def is_alive(self, now: datetime) -> bool:
        return self.used_at is None and self.expires > now


@dataclass(eq=False)
class Session:
    """A session, with every token that it was ever issued."""

    owner: "Owner"
    began: datetime
    remembered: bool
    signed_in: datetime
    idle_end: datetime
    refresh: list[str] = field(default_factory=list)
    access: list[tuple[str, datetime]] = field(default_factory=list)
    rotated: datetime | None = None
    proven: datetime | None = None  # when a second factor, or a passkey, was last proven in it
    ended: datetime | None = None
    pruned: bool = False

    @property
    def last_end(self) -> datetime:
        return self.began + (90 * DAY if self.remembered else DAY)

    def ran_out(self, now: datetime) -> bool:
        """Return whether the session was used too long ago, or too old, before anything ended it."""
        return min(self.idle_end, self.last_end) <= (self.ended or now)

    def lives(self, now: datetime) -> bool:
        return self.ended is None and min(self.idle_end, self.last_end) > now

    def admits(self, expires: datetime, now: datetime) -> bool:
        """Return whether an access token of this session with this expiry is accepted now."""
        return self.lives(now) and expires > now and not (self.owner.erased or self.pruned)

    def replace_access(self, token: str, now: datetime) -> None:
        """Record an access token from a re-authentication, which voids those of before."""
        self.access = [(earlier, now) for earlier, _ in self.access] + [(token, now + HOUR)]

    def is_first_of_hour(self, now: datetime) -> bool:
        """Return whether a rotation now would be the first one of its hour."""
        return self.rotated is None or (self.rotated.date(), self.rotated.hour) != (now.date(), now.hour)

    def used(self, now: datetime) -> None:
        self.idle_end = now + (30 * DAY if self.remembered else DAY / 2)


@dataclass(eq=False)
class Owner:
    """An account."""

    name: str
    address: str
    password: str | None  # None where a passkey alone opens it
    verified: bool = False
    blocked: bool = False
    leaving: datetime | None = None
    erased: bool = False
    erased_at: datetime | None = None
    devices: set[str] = field(default_factory=set)
    written: list[tuple[str, datetime]] = field(default_factory=list)  # mails
    factors: Factors = field(default_factory=Factors)

    @property
    def opens(self) -> bool:
        """Return whether the password can log in."""
        return not (self.erased or self.blocked or self.leaving)


class World:
    """All accounts that exist or existed, with their sessions and links."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.owners: list[Owner] = []
        self.sessions: list[Session] = []
        self.links: list[Link] = []
        self.asked: list[Challenge] = []  # of whoever has a passkey
        self.expected: list[tuple[str, str, Link | None]] = []  # mails on their way
        self.counted: dict[str, tuple[int, datetime]] = {}  # mails to an address, and until when

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def living(self) -> list[Owner]:
        return [owner for owner in self.owners if not owner.erased]

    def named(self, name: str) -> Owner | None:
        return next((owner for owner in self.living() if owner.name == name), None)

    def is_kept(self, name: str) -> bool:
        """Return whether the name of an erased account is kept."""
        ends = [
            owner.erased_at + NAME_KEPT for owner in self.owners if owner.erased_at and owner.name == name
        ]
        return any(end > self.now for end in ends)

    def erase(self, owner: Owner) -> None:
        owner.erased, owner.erased_at = True, self.now

    def at(self, address: str) -> Owner | None:
        return next((owner for owner in self.living() if owner.address == address), None)

    def is_reserved(self, address: str, without: Owner | None = None) -> bool:
        return any(
            link.purpose == "email_undo" and link.address == address and link.is_alive(self.now)
            for link in self.links
            if link.owner is not without and not link.owner.erased and link.proven
        )

    def prove(self, owner: Owner, address: str) -> None:
        """Void the undo links of others who gave this address up unconfirmed, as the owner has proven it."""
        for link in self.links:
            if (link.purpose, link.address, link.proven) == ("email_undo", address, False):
                link.used_at = link.used_at if link.used_at or link.owner is owner else self.now

    # Mails and links

    def mail(self, owner: Owner, template: str, to: str = "", link: Link | None = None) -> None:
        owner.written.append((template, self.now))
        if template == "change_email" and (holder := self.at(to)):
            self.expected.append(("address_taken", holder.address, None))
        elif template != "change_email" or not self.is_reserved(to, owner):
            self.expected.append((template, to or owner.address, link))

    def allows(self, key: str) -> bool:
        """Count a mail; return whether it is one of three in an hour that begins with the first."""
        count, ends = self.counted.get(key, (0, self.now))
        count, ends = (0, self.now + HOUR) if ends <= self.now else (count, ends)
        self.counted[key] = count + 1, ends
        return count < 3

    def notify(self, owner: Owner, template: str) -> None:
        if owner.verified or self.allows(owner.address):
            self.mail(owner, template)

    def mail_link(
        self,
        owner: Owner,
        purpose: str,
        template: str,
        *,
        to: str = "",
        limit: str = "requested",
        opens: bool = True,
        expires: datetime | None = None,
    ) -> None:
        """Mail a link; `limit` is requested, notification or notice."""
        address, is_proven = to or owner.address, owner.verified and not to
        if limit == "requested" or not is_proven:
            of_all_kinds = not is_proven and limit != "notice"
            may_go = self.allows(address if of_all_kinds else f"{template} {address}")
            lately = [1 for kind, at in owner.written if kind == template and at > self.now - HOUR]
            if not may_go or (limit == "requested" and len(lately) >= 3):
                return
        if not opens:
            self.mail(owner, template)
            return
        siblings = [
            link
            for link in self.links
            if (link.owner, link.purpose) == (owner, purpose) and link.is_alive(self.now)
        ]
        if purpose != "email_undo":
            for oldest in siblings[:-2]:
                oldest.used_at = self.now
        until = expires or self.now + LIFETIMES[purpose]
        link = Link(purpose, owner, address, self.now, until, proven=is_proven)
        self.links.append(link)
        self.mail(owner, template, to, link)

    def void(self, owner: Owner, purposes: Iterable[str], since: datetime | None = None) -> None:
        for link in self.links:
            mine = link.owner is owner and link.purpose in purposes and link.used_at is None
            if mine and (since is None or link.created >= since):
                link.used_at = self.now

    def refusal(self, link: Link | None, *purposes: str) -> str | None:
        """Return the error code with which this link is refused before any other check."""
        if link is None or link.pruned or link.owner.erased or link.purpose not in purposes:
            return "token_unknown"
        if link.used_at:
            return "token_used"
        return "token_expired" if link.expires <= self.now else None

    def is_for_the_current_address(self, link: Link) -> bool:
        """Return whether the link was mailed to the current address, or need not have been."""
        return link.owner.address == link.address or link.purpose in {"email_change", "email_undo"}

    # Ends

    def end(self, sessions: Iterable[Session]) -> None:
        for session in sessions:
            session.ended = session.ended or self.now  # what had run out, too, should the clock be set back

    def end_everything(self, owner: Owner, purposes: Iterable[str] = OVER) -> None:
        self.void(owner, purposes)
        owner.factors.void(self.now)
        self.end(session for session in self.sessions if session.owner is owner)

    def lock_out(self, owner: Owner, since: datetime, *, mailed: bool = True) -> None:
        """Lock the account: an intruder was in it since this time."""
        self.end_everything(owner, (*OVER, "restore"))
        owner.blocked, owner.leaving, owner.devices, owner.factors.trusted = True, None, set(), {}
        owner.factors.suspect(since, self.now)
        if mailed:
            self.mail_link(owner, "reset", "password_blocked", limit="notice")

    def apply_due_reset(self, owner: Owner) -> tuple[str, ...]:
        """Remove the account's factors if their reset is due; return the events of that."""
        due = owner.factors.reset_due
        if due is None or due > self.now or not owner.opens:
            return ()
        owner.factors.forget(self.now)
        self.notify(owner, "factors_reset")
        return ("factors_reset",)

    def stop_reset(self, owner: Owner) -> tuple[str, ...]:
        """Cancel the factor reset, upon a login with a factor; return the events of that."""
        if owner.factors.reset_due is None:
            return ()
        owner.factors.reset_due = None
        self.notify(owner, "factors_reset_stopped")
        return ("factors_reset_stopped",)

    def prune(self) -> int:
        """Apply `flask auth prune`; return the number of events about accounts and factors."""
        erased = [owner for owner in self.living() if owner.leaving and owner.leaving <= self.now]
        for owner in erased:
            self.erase(owner)
        resets = [event for owner in self.living() for event in self.apply_due_reset(owner)]
        before = self.now - KEPT
        for link in self.links:
            link.pruned |= link.expires < before or (link.used_at or self.now) < before
        self.end(session for session in self.sessions if session.ran_out(self.now))
        for session in self.sessions:
            over = min(session.idle_end, session.last_end, session.ended or self.now)
            session.pruned |= over < before
        for challenge in (*self.asked, *(one for owner in self.owners for one in owner.factors.challenges)):
            challenge.prune(self.now)
        return len(erased) + len(resets)
