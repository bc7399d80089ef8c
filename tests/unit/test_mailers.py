"""Mailers: a private folder, or an SMTP server with arbitrary faults."""

import logging
import socket
import stat
import time
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import AppFactory
from tests.support.certificates import Authority
from tests.support.sent_mail import deliver_next, links_in, outcomes
from tests.support.service import START, FixedClock, register, rows
from tests.support.smtp_server import STAGES, SmtpServer, smtp_serving
from utils.mail.mailers import FileMailer, MailError, SmtpMailer

PASSWORD = "s3cret-canary"
LOGIN = f"user-canary:{PASSWORD}@"
TIMEOUT = 1.0  # seconds, for tests of timeouts


def a_mail(to: str = "ada-canary@example.com", number: int = 1) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Hello", "Auth <no-reply@example.com>", to
    mail["Date"], mail["X-Template"] = START + timedelta(seconds=number), "reset_password"
    mail["Message-ID"] = f"<{number:032x}@example.com>"
    mail.set_content("Hello\n.\n..\nhttps://auth.example.com/reset#token=abc\n")
    return mail


def fails(mailer: SmtpMailer | FileMailer, mail: EmailMessage | None = None) -> str:
    """Return the mailer's error; assert that it reveals no password, address or server text."""
    with pytest.raises(MailError) as caught:
        mailer.send(mail or a_mail())
    said = str(caught.value)
    assert "canary" not in said
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return said


def mailer_for(
    server: SmtpServer, scheme: str = "smtp", login: str = "", host: str = "127.0.0.1"
) -> SmtpMailer:
    return SmtpMailer(server.url(scheme, login, host))


def with_short_timeout(server: SmtpServer, scheme: str = "smtp") -> SmtpMailer:
    return SmtpMailer(server.url(scheme), timeout=TIMEOUT, deadline=2 * TIMEOUT)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Return a certificate authority that this process trusts through SSL_CERT_FILE."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.path))
    return made


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with smtp_serving(auth_require_tls=False) as server:
        yield server


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_mail_file_is_private_and_complete(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "in" / "mail"
    FileMailer(folder).send(a_mail())
    (file,) = folder.iterdir()
    assert (mode(folder), mode(file)) == (0o700, 0o600)
    assert file.name == "20260301-120001-reset_password-00000000.eml"
    kept = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(kept, EmailMessage)
    assert kept["To"] == "ada-canary@example.com"
    assert links_in(kept) == ["https://auth.example.com/reset#token=abc"]
    (line,) = caplog.records
    assert (line.getMessage(), line.__dict__["file"]) == ("mail written", str(file))
    assert set(line.__dict__) - set(logging.makeLogRecord({}).__dict__) - {"message"} == {"file"}


def test_mail_written_twice_is_one_file(tmp_path: Path) -> None:
    for number in (1, 1, 2):
        FileMailer(tmp_path).send(a_mail(number=number))
    assert len([*tmp_path.iterdir()]) == 2


def test_failed_write_leaves_no_mail_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(EmailMessage, "as_bytes", full)
    assert fails(FileMailer(tmp_path)) == "OSError"
    assert [*tmp_path.glob("*.eml")] == []


@pytest.mark.parametrize("place", ["/dev/null/mail", "/proc/mail"])
def test_uncreatable_mail_folder_is_a_failed_attempt(make_app: AppFactory, place: str) -> None:
    app = make_app({"MAIL_URL": f"file:{place}"})
    assert register(app.test_client()).status_code == 201
    assert deliver_next(app)
    assert outcomes(app) == {"failed": 1}


def test_non_ascii_address_is_written_unchanged(tmp_path: Path) -> None:
    FileMailer(tmp_path).send(a_mail("jörg@example.com"))
    (file,) = tmp_path.iterdir()
    assert "To: jörg@example.com\n" in file.read_text("utf-8")


def test_mail_is_sent_completely(server: SmtpServer) -> None:
    mailer_for(server).send(a_mail())
    (mail,) = server.mails
    assert mail.get_content().splitlines() == a_mail().get_content().splitlines()
    (envelope,) = server.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@example.com", ["ada-canary@example.com"])
    assert mail["Message-ID"] == a_mail()["Message-ID"]
    mailer_for(server).check()
    assert len(server.mails) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_valid_certificate_is_accepted(authority: Authority, scheme: str, host: str) -> None:
    context = authority.context("127.0.0.1", "localhost")
    options = {"tls": context} if scheme == "smtps" else {"tls_context": context, "require_starttls": True}
    with smtp_serving(auth_require_tls=scheme == "smtp", **options) as server:
        mailer_for(server, scheme, LOGIN, host).send(a_mail())
        assert len(server.mails) == 1
        assert server.logins == [("user-canary", PASSWORD, scheme == "smtp")]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize(
    ("host", "spoilt"),
    [("elsewhere.example", {}), ("localhost", {"self_signed": True}), ("localhost", {"expired": True})],
)
def test_invalid_certificate_is_refused_before_sending(
    authority: Authority, scheme: str, host: str, spoilt: dict[str, bool]
) -> None:
    context = authority.context(host, **spoilt)
    options: dict[str, Any] = {"tls": context} if scheme == "smtps" else {"tls_context": context}
    with smtp_serving(auth_require_tls=False, **options) as server:
        assert fails(mailer_for(server, scheme, LOGIN, "localhost")) == "SSLCertVerificationError"
        assert (server.logins, server.seen) == ([], [])


def test_password_is_never_sent_to_another_host_without_tls(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when an attacker strips STARTTLS from the server's greeting."""
    monkeypatch.setattr("utils.mail.mailers.is_loopback", lambda _: False)
    assert fails(mailer_for(server, login=LOGIN)) == "the server offers no TLS for the password"
    assert (server.logins, server.seen) == ([], [])


def test_password_may_be_sent_to_loopback_without_tls(server: SmtpServer) -> None:
    mailer_for(server, login=LOGIN).send(a_mail())
    assert server.logins == [("user-canary", PASSWORD, False)]
    assert fails(mailer_for(server, login="user-canary:wr%6Fng-canary@")) == "SMTPAuthenticationError 535"
    assert server.logins[1][1] == "wrong-canary"
    assert fails(mailer_for(server, login="user-canary:p%C3%A4ss-canary@")) == "UnicodeEncodeError"


def test_server_without_auth_gets_no_password() -> None:
    with smtp_serving() as server:  # offers no AUTH without TLS
        assert fails(mailer_for(server, login=LOGIN)) == "SMTPNotSupportedError"
        assert server.seen == []


REFUSED = {
    "connect": {"421 busy canary": "the server answered 421", "554 no canary": "the server answered 554"},
    "EHLO": {"421 canary": "SMTPHeloError 421", "500 canary": "SMTPHeloError 500"},
    "MAIL": {"451 canary": "SMTPSenderRefused 451", "550 canary": "SMTPSenderRefused 550"},
    "RCPT": {"450 canary": "SMTPRecipientsRefused 450", "550 canary": "SMTPRecipientsRefused 550"},
    "DATA": {"451 canary": "SMTPDataError 451", "554 canary": "SMTPDataError 554"},
    "body": {"452 canary": "SMTPDataError 452", "552 canary": "SMTPDataError 552"},
}


@pytest.mark.parametrize(
    ("stage", "answer"), [(stage, answer) for stage, given in REFUSED.items() for answer in given]
)
def test_smtp_refusal_is_reported_by_its_code(server: SmtpServer, stage: str, answer: str) -> None:
    server.trouble = {stage: answer}
    assert fails(mailer_for(server)) == REFUSED[stage][answer]
    assert server.mails == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trouble", "stage"),
    [
        *(("drop", stage) for stage in STAGES),
        *(("stall", stage) for stage in ("connect", "MAIL", "body", "QUIT")),
        *(("drip", stage) for stage in ("connect", "body", "QUIT")),
    ],
)
def test_smtp_fault_means_sent_once_or_failed(server: SmtpServer, stage: str, trouble: str) -> None:
    """Once the server has accepted the body, the mail counts as sent."""
    server.trouble = {stage: trouble}
    began = time.monotonic()
    if stage == "QUIT":
        with_short_timeout(server).send(a_mail())
        assert len(server.mails) == 1
    else:
        ends = {"SMTPServerDisconnected", "TimeoutError", "ConnectionResetError"}
        assert fails(with_short_timeout(server)) in ends
        assert server.mails == []
    assert time.monotonic() - began < 2 * TIMEOUT + 5


def test_stalled_tls_handshake_times_out() -> None:
    with smtp_serving(trouble={"connect": "stall"}) as server:
        assert fails(with_short_timeout(server, "smtps")) in {"SMTPServerDisconnected", "TimeoutError"}


def test_unreachable_mail_server_is_reported() -> None:
    with socket.socket() as taken:  # bound, and not listening
        taken.bind(("127.0.0.1", 0))
        assert fails(SmtpMailer(f"smtp://127.0.0.1:{taken.getsockname()[1]}")) == "ConnectionRefusedError"
    assert fails(SmtpMailer("smtp://mail.invalid")) == "gaierror"


@pytest.mark.parametrize("address", ["jörg@example.com", "用户@xn--bcher-kva.example"])
def test_internationalised_address_requires_smtputf8(address: str) -> None:
    with smtp_serving(enable_SMTPUTF8=True) as server:
        mailer_for(server).send(a_mail(address))
        assert server.envelopes[0].rcpt_tos == [address]
        assert server.mails[0]["To"] == address
    with smtp_serving() as server:
        assert fails(mailer_for(server), a_mail(address)) == "SMTPNotSupportedError"
        assert server.seen == []


def test_smtp_server_text_is_neither_logged_nor_stored(
    make_app: AppFactory, clock: FixedClock, server: SmtpServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="auth")
    app = make_app({"MAIL_URL": server.url(login=LOGIN)})
    register(app.test_client(), "canary")
    server.trouble = {"RCPT": "550 <canary@example.com> has no mailbox here, user-canary"}
    assert deliver_next(app)
    assert rows(app, "SELECT last_error FROM outbox") == [{"last_error": "SMTPRecipientsRefused 550"}]
    said = " ".join(str(line.__dict__) for line in caplog.records if line.name == "auth")
    assert "canary" not in said
    server.trouble = {}
    clock.advance(60)
    assert deliver_next(app)
    assert rows(app, "SELECT last_error FROM outbox") == [{"last_error": None}]
    assert [mail["To"] for mail in server.mails] == ["canary@example.com"]
