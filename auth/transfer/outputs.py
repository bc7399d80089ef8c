"""The lines of an export, and those of the report of an import."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from typing_extensions import TypedDict

from auth.stores import roles
from auth.stores.transfers import Exported
from auth.transfer.outcomes import Outcome, State
from models import iso


class Summary(TypedDict):
    lines: int
    created: int
    exists: int
    refused: int
    faults: dict[str, int]
    notes: dict[str, int]
    dry_run: bool


def account_line(row: Exported, *, with_hash: bool) -> str:
    """Return an account as a line that an import takes. A password that is blocked has no hash here."""
    fields: dict[str, Any] = {
        "id": row.id,
        "email": row.email,
        "username": row.username,
        "email_verified": row.email_verified_at is not None,
        "created_at": iso(row.created_at),
        "disabled": row.disabled_at is not None,
        "roles": roles.split(row.role_names),
        "locale": row.locale,
        "signup_locale": row.signup_locale,
    }
    if with_hash:
        fields["password_hash"] = None if row.password_blocked_at else row.password_hash
    return json.dumps(fields, separators=(",", ":"))


def report_line(outcome: Outcome) -> str:
    """Return what became of a line. No value of the line is in it, but its id and the name that it got."""
    fields: dict[str, Any] = {
        "line": outcome.line,
        "state": outcome.state,
        "id": outcome.given_id,
        "user_id": outcome.user_id,
        "username": outcome.username,
        "notes": [*outcome.notes],
        "fault": outcome.fault,
        "fields": dict(outcome.fields),
    }
    told = {name: value for name, value in fields.items() if value not in (None, [], {})}
    return json.dumps(told, separators=(",", ":"))


def refusal_text(outcome: Outcome) -> str:
    """Return a refused line as text. The names of fields are escaped: unknown ones are from the file."""
    faults = [f"{json.dumps(name)[1:-1]} {fault}" for name, fault in outcome.fields.items()]
    return f"line {outcome.line}: {outcome.fault}{' (' + '; '.join(faults) + ')' if faults else ''}"


class Totals:
    """Counts the outcomes of an import."""

    def __init__(self) -> None:
        self.states, self.faults, self.notes = Counter[str](), Counter[str](), Counter[str]()

    def add(self, outcomes: Iterable[Outcome]) -> None:
        for each in outcomes:
            self.states[each.state] += 1
            self.notes.update(each.notes)
            if each.fault:
                self.faults[each.fault] += 1

    def summary(self, *, dry_run: bool) -> Summary:
        return {
            "lines": self.states.total(),
            "created": self.states[State.CREATED],
            "exists": self.states[State.EXISTS],
            "refused": self.states[State.REFUSED],
            "faults": {str(name): count for name, count in sorted(self.faults.items())},
            "notes": {str(name): count for name, count in sorted(self.notes.items())},
            "dry_run": dry_run,
        }


def summary_text(summary: Summary) -> str:
    """Return the summary as a line of text."""
    created = "would be created" if summary["dry_run"] else "created"
    counts = (
        f"{summary['created']} {created}, {summary['exists']} exist already, {summary['refused']} refused"
    )
    notes = "".join(f"; {count} {name.replace('_', ' ')}" for name, count in summary["notes"].items())
    return f"{summary['lines']} lines: {counts}{notes}."
