"""Candidates: the lines of an import that could become accounts."""

from dataclasses import dataclass
from datetime import datetime

from auth.transfer import hashes
from auth.transfer.inputs import AccountLine, is_id
from auth.transfer.lines import Line
from auth.transfer.outcomes import Fault, LineRefused, Note
from utils.errors import InvalidInput, InvalidJson, MissingFields
from utils.identifiers import display_username, email_key, is_reserved
from utils.languages.accepted import first_available
from utils.passwords.foreign_schemes import (
    ForeignHashError,
    KeyMissing,
    PlainDigest,
    TooCheap,
    TooCostly,
)
from utils.passwords.project_keys import ProjectKey
from utils.services import Services
from utils.web.validation import strict_json

_HASH_FAULTS = {
    PlainDigest: Fault.HASH_WEAK,
    TooCheap: Fault.HASH_WEAK,
    TooCostly: Fault.HASH_TOO_COSTLY,
    KeyMissing: Fault.HASH_KEY_MISSING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an operator decides about an import.

    `email_verified` counts with `trust_verified` only, `roles` with `with_roles` only. A line whose hash is
    missing or refused is imported `without_password`. An account here that registered with the same address
    and never confirmed it is erased with `replace_unconfirmed`. `key` is the key of the hashes' project.
    """

    trust_verified: bool = False
    with_roles: bool = False
    without_password: bool = False
    replace_unconfirmed: bool = False
    dry_run: bool = False
    key: ProjectKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A line whose fields are valid. `username` is None if the line has none that could be taken here."""

    line: int
    given_id: int | str | None
    email: str
    email_key: str
    username: str | None
    is_verified: bool
    is_disabled: bool
    password_hash: str | None
    created_at: datetime
    roles: tuple[str, ...]
    locale: str | None
    signup_locale: str | None
    notes: tuple[Note, ...]


def read(services: Services, line: Line, options: Options, key_id: str | None) -> Candidate:
    """Return the candidate of a line. Raises `LineRefused`."""
    form, now = _form(line), services.clock.now()
    if form.created_at and form.created_at > now:
        raise LineRefused(Fault.VALIDATION_FAILED, {"created_at": "must not be in the future"})
    username = _username(services, form.username) if form.username else None
    hashed = _hash(form, options, key_id)
    locale, signup_locale = _language(services, form.locale), _language(services, form.signup_locale)
    notes = {
        Note.USERNAME_CHANGED: form.username and username is None,
        Note.WITHOUT_PASSWORD: not hashed,
        Note.WITHOUT_LANGUAGE: (form.locale and not locale) or (form.signup_locale and not signup_locale),
    }
    return Candidate(
        line=line.number,
        given_id=form.id,
        email=form.email,
        email_key=email_key(form.email) or "",
        username=username,
        is_verified=form.email_verified and options.trust_verified,
        is_disabled=form.disabled,
        password_hash=hashed,
        created_at=form.created_at or now,
        roles=tuple(dict.fromkeys(form.roles)) if options.with_roles else (),
        locale=locale,
        signup_locale=signup_locale,
        notes=tuple(note for note, applies in notes.items() if applies),
    )


def given_id(line: Line) -> int | str | None:
    """Return the id of a line that was refused, if it can be read."""
    try:
        found = strict_json(line.raw or b"").get("id")
    except (InvalidJson, AttributeError):
        return None
    return found if is_id(found) else None


def _form(line: Line) -> AccountLine:
    if line.raw is None:
        raise LineRefused(Fault.LINE_TOO_LONG)
    try:
        data = strict_json(line.raw.strip())
    except InvalidJson:
        raise LineRefused(Fault.JSON_INVALID) from None
    if not isinstance(data, dict):
        raise LineRefused(Fault.JSON_INVALID)
    try:
        return AccountLine.read(data)
    except MissingFields as refusal:
        raise LineRefused(Fault.MISSING_FIELDS, refusal.fields) from None
    except InvalidInput as refusal:
        raise LineRefused(Fault.VALIDATION_FAILED, refusal.fields) from None


def _username(services: Services, given: str) -> str | None:
    """Return the name as it is displayed here, or None if it breaks a rule for names."""
    try:
        shown = display_username(given)
    except ValueError:
        return None
    return None if is_reserved(shown, services.settings.brand_name) else shown


def _language(services: Services, tag: str | None) -> str | None:
    """Return the installed language that comes closest to a tag: `de` for `de-AT`; None if none does."""
    return first_available([tag.replace("_", "-")], services.languages.tags) if tag else None


def _hash(form: AccountLine, options: Options, key_id: str | None) -> str | None:
    if form.password_hash is None:
        if options.without_password:
            return None
        raise LineRefused(Fault.MISSING_FIELDS, {"password_hash": "is missing"})
    try:
        return hashes.stored(form.password_hash, key_id, options.key)
    except ForeignHashError as refusal:
        if options.without_password:
            return None
        fault = _HASH_FAULTS.get(type(refusal), Fault.HASH_UNKNOWN)
        raise LineRefused(fault, {"password_hash": str(refusal)}) from None
