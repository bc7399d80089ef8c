"""Mailers: SMTP, files, or a list in memory.

A mailer accepts an `EmailMessage` or raises `MailError`; the caller retries.
"""

import contextlib
import logging
import os
import smtplib
import socket
import ssl
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from pathlib import Path
from threading import Timer
from typing import Protocol
from urllib.parse import unquote, urlsplit

from config import Settings, is_loopback

log = logging.getLogger("auth")

SMTP_READY = 220  # an SMTP server's greeting
TEMPLATE_HEADER = "X-Template"
SMTP_TIMEOUT = 10  # seconds for each response of the server
SMTP_DEADLINE = 60  # seconds for a whole delivery, against servers that send single bytes


class MailError(Exception):
    """The mail was not accepted. The text names the kind of error and quotes nothing."""


class Mailer(Protocol):
    def send(self, message: EmailMessage) -> None:
        """Send the mail. Raises `MailError` if it was not accepted."""

    def check(self) -> None:
        """Check that a mail could be sent, without sending one. Raises `MailError`."""


class MemoryMailer:
    """Stores mails in a list, for tests."""

    def __init__(self) -> None:
        self.sent: list[EmailMessage] = []

    def send(self, message: EmailMessage) -> None:
        self.sent.append(message)

    def check(self) -> None:
        pass


class NoMailer:
    """Sends nothing, if `MAIL_URL` is not set: mails wait in the outbox."""

    def send(self, message: EmailMessage) -> None:  # noqa: ARG002
        self.check()

    def check(self) -> None:
        raise MailError("MAIL_URL is not set")


class FileMailer:
    """Writes each mail to a file of mode 0600, since its link gives access to an account."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: EmailMessage) -> None:
        name = "-".join(
            (
                message["Date"].datetime.strftime("%Y%m%d-%H%M%S"),
                message[TEMPLATE_HEADER],
                message["Message-ID"].strip("<>").partition("@")[0][:8],
            )
        )
        path = self._folder / f"{name}.eml"
        self.check()
        try:
            draft = path.with_suffix(".part")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                # With utf8, a non-ASCII address is not written as an encoded word.
                file.write(message.as_bytes(policy=policy.default.clone(utf8=True)))
            draft.replace(path)  # atomically
        except OSError as problem:
            raise MailError(type(problem).__name__) from None
        log.info("mail written", extra={"file": str(path)})

    def check(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as problem:
            raise MailError(type(problem).__name__) from None
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise MailError("the folder cannot be written to")


class _Smtp(smtplib.SMTP):
    """An SMTP connection that another thread can close at any time, even during the TLS handshake.

    `_get_socket` is private, and the only place where smtplib shows the socket before that handshake.
    """

    duplicate: socket.socket | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        self._host = host  # the name that the certificate must have
        connected: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]  # not in typeshed
        self.duplicate = connected.dup()  # TLS detaches the original socket
        return connected

    def cut_off(self) -> None:
        if self.duplicate:
            with contextlib.suppress(OSError):
                self.duplicate.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        super().close()
        if self.duplicate:
            self.duplicate.close()


class _SmtpOverTls(smtplib.SMTP_SSL, _Smtp):
    pass


class SmtpMailer:
    """Hands mails to an SMTP server.

    `smtps://` uses implicit TLS. `smtp://` uses STARTTLS if the server offers it, and requires it to send a
    password to another machine. Certificates are verified.
    """

    def __init__(
        self,
        url: str,
        name: str = "localhost",
        *,
        timeout: float = SMTP_TIMEOUT,
        deadline: float = SMTP_DEADLINE,
    ) -> None:
        parts = urlsplit(url)
        self._implicit_tls = parts.scheme == "smtps"
        self._host = parts.hostname or ""
        self._port = parts.port or (465 if self._implicit_tls else 25)
        self._login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._name, self._timeout, self._deadline = name, timeout, deadline

    def send(self, message: EmailMessage) -> None:
        with self._connected() as smtp:
            smtp.send_message(message)

    def check(self) -> None:
        with self._connected() as smtp:
            smtp.noop()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        context = ssl.create_default_context()
        smtp = (
            _SmtpOverTls(local_hostname=self._name, timeout=self._timeout, context=context)
            if self._implicit_tls
            else _Smtp(local_hostname=self._name, timeout=self._timeout)
        )
        timer = Timer(self._deadline, smtp.cut_off)
        timer.daemon = True
        timer.start()
        try:
            self._open(smtp, context)
            yield smtp
            with contextlib.suppress(smtplib.SMTPException, OSError):
                smtp.quit()  # the mail is accepted, even if the connection fails now
        except (smtplib.SMTPException, OSError, ValueError) as problem:
            raise MailError(_error_text(problem)) from None
        finally:
            timer.cancel()
            smtp.close()

    def _open(self, smtp: smtplib.SMTP, context: ssl.SSLContext) -> None:
        code, _ = smtp.connect(self._host, self._port)
        if code != SMTP_READY:
            raise MailError(f"the server answered {code}")
        smtp.ehlo_or_helo_if_needed()
        encrypted = self._implicit_tls
        if not encrypted and smtp.has_extn("starttls"):
            smtp.starttls(context=context)
            smtp.ehlo()
            encrypted = True
        if self._login:
            if not encrypted and not is_loopback(self._host):
                raise MailError("the server offers no TLS for the password")
            smtp.login(*self._login)


def _error_text(problem: Exception) -> str:
    """Return the kind of error and the SMTP status; not the server's text, which may quote addresses."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return f"SMTPRecipientsRefused {next(iter(problem.recipients.values()))[0]}"
    if isinstance(problem, smtplib.SMTPResponseException):
        return f"{type(problem).__name__} {problem.smtp_code}"
    return type(problem).__name__


def mailer_for(settings: Settings, root: Path) -> Mailer:
    """Return the mailer for `MAIL_URL`. A relative folder is relative to `root`."""
    url = settings.mail_url
    if settings.testing and not url:
        return MemoryMailer()
    if not url:
        return NoMailer()
    if url.startswith("file:"):
        return FileMailer(root / url.removeprefix("file:"))
    return SmtpMailer(url, name=settings.mail_from.rpartition("@")[2])
