"""`flask auth import`, `export` and `forget-foreign`."""

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, BinaryIO, TextIO

import click

from auth.commands import command
from auth.roles.actors import operator
from auth.transfer import export_accounts, foreign, import_accounts, outputs, progress
from auth.transfer.candidates import Options
from auth.transfer.lines import read_lines
from auth.transfer.outcomes import Outcome, State
from utils.passwords.project_keys import MAX_FILE, ProjectKey, firebase_key, flask_security_key
from utils.services import services

SHOWN = 20  # refused lines that are printed; the report has all


@command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Say what would become of each line, and store nothing.")
@click.option("--trust-verified", is_flag=True, help="Take email_verified for a proof of the address.")
@click.option("--roles", "with_roles", is_flag=True, help="Give the roles of the lines. They must exist.")
@click.option(
    "--without-password", is_flag=True, help="Also import accounts whose hash is missing or refused."
)
@click.option(
    "--replace-unconfirmed",
    is_flag=True,
    help="Erase accounts that registered with an address of the file and never confirmed it.",
)
@click.option("--firebase-params", type=click.File("rb"), help="The hash parameters of the Firebase project.")
@click.option(
    "--flask-security-salt",
    type=click.File("rb"),
    help="A file with SECURITY_PASSWORD_SALT of Flask-Security.",
)
@click.option(
    "--report", type=click.Path(dir_okay=False), help="Write what became of each line to this file."
)
def import_file(
    file: BinaryIO,
    *,
    firebase_params: BinaryIO | None,
    flask_security_salt: BinaryIO | None,
    report: str | None,
    **options: bool,
) -> tuple[Any, ...]:
    """Import accounts from FILE, a JSON object a line; - is standard input.

    The exit code is 1 if a line was refused. Run the same command again to go on after an interruption: an
    account that exists is left as it is.
    """
    if firebase_params and flask_security_salt:
        raise click.UsageError("Give --firebase-params or --flask-security-salt, not both.")
    key = _key(firebase_params, "--firebase-params", firebase_key)
    key = key or _key(flask_security_salt, "--flask-security-salt", flask_security_key)
    chosen = Options(key=key, **options)
    totals, refused = outputs.Totals(), list[Outcome]()
    with _report(report, file) as written, progress.on_terminal(sys.stderr, _size(file)) as shown:
        for lines, outcomes in import_accounts.import_accounts(
            services(), operator(), read_lines(file), chosen
        ):
            _write(written, outcomes)
            totals.add(outcomes)
            refused += [each for each in outcomes if each.state is State.REFUSED][: SHOWN - len(refused)]
            shown.advance(sum(line.size for line in lines), len(lines))
    summary = totals.summary(dry_run=chosen.dry_run)
    more = summary["refused"] - len(refused)
    text = [outputs.refusal_text(each) for each in refused]
    text += [f"... and {more} more refused lines: --report has all"] if more else []
    return summary, "\n".join([*text, outputs.summary_text(summary)]), int(bool(summary["refused"]))


@command("export", err=True)
@click.option("--with-hashes", is_flag=True, help="With password hashes: keep the file as secret as them.")
def export(*, with_hashes: bool) -> tuple[Any, str]:
    """Write all accounts to standard output, a JSON object a line, as `import` takes them.

    Second factors, passkeys, sessions and tokens stay: they are bound to keys of this service. The summary
    goes to standard error.
    """
    count = 0
    for page in export_accounts.export_accounts(services(), operator(), with_hashes=with_hashes):
        click.echo("\n".join(outputs.account_line(row, with_hash=with_hashes) for row in page))
        count += len(page)
    return {"exported": count}, f"Exported {count} account{'' if count == 1 else 's'}."


@command("forget-foreign")
@click.option(
    "--before",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Only hashes that were imported before this day (UTC).",
)
def forget_foreign(before: datetime) -> tuple[Any, str]:
    """Remove imported password hashes of other systems that were never used to log in.

    The owners can set a new password by mail.
    """
    count = foreign.forget(services(), operator(), before.replace(tzinfo=UTC))
    return {"forgotten": count}, f"Removed {count} password hash{'' if count == 1 else 'es'}."


def _key(file: BinaryIO | None, option: str, read: Callable[[str], ProjectKey]) -> ProjectKey | None:
    if file is None:
        return None
    data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise click.UsageError(f"The file of {option} is too large.")
    try:
        return read(data.decode())
    except UnicodeDecodeError:
        raise click.UsageError(f"The file of {option} is not UTF-8.") from None
    except ValueError as fault:
        raise click.UsageError(f"The file of {option} {fault}.") from None


def _size(file: BinaryIO) -> int | None:
    """Return the bytes of a regular file, or None."""
    try:
        state = os.fstat(file.fileno())
    except OSError:  # a stream without a descriptor
        return None
    return state.st_size if stat.S_ISREG(state.st_mode) else None


@contextmanager
def _report(path: str | None, file: BinaryIO) -> Iterator[TextIO | None]:
    """Yield the file of the report, which only its owner can read. Raises `UsageError`."""
    if path is None:
        yield None
        return
    name = getattr(file, "name", None)
    if isinstance(name, str) and os.path.realpath(path) == os.path.realpath(name):
        raise click.UsageError("The report would overwrite FILE.")
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)  # a file that was there keeps its mode otherwise
    except OSError as problem:
        raise click.UsageError(f"The report cannot be written ({problem.strerror}).") from None
    written = os.fdopen(descriptor, "w", encoding="utf-8")
    try:
        yield written
    finally:
        with suppress(OSError):  # each batch was flushed
            written.close()


def _write(report: TextIO | None, outcomes: Iterable[Outcome]) -> None:
    if report is None:
        return
    try:
        report.writelines(f"{outputs.report_line(each)}\n" for each in outcomes)
        report.flush()
    except OSError as problem:
        raise click.ClickException(
            f"The report cannot be written ({problem.strerror}). The accounts so far are imported."
        ) from None
