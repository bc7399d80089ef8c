"""A real SMTP server in a thread, on a free port, with configurable faults."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import chain, repeat
from threading import Event, Thread
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.server import DEADLINE

STAGES = ["connect", "EHLO", "MAIL", "RCPT", "DATA", "body", "QUIT"]


class SmtpServer:
    """What the server received, and its behaviour: `trouble` maps a stage to a fault.

    A text replaces the usual response; `drop` closes the connection, `stall` never responds,
    `drip` sends a response without an end for ten seconds, byte by byte, `hold` waits for `release`.
    """

    def __init__(self, **options: Any) -> None:
        self.trouble: dict[str, str] = options.pop("trouble", {})
        self.options = options
        self.port = 0
        self.mails: list[EmailMessage] = []  # accepted: what the server answered for
        self.seen: list[EmailMessage] = []  # whole, whether accepted or not
        self.envelopes: list[Envelope] = []
        self.logins: list[tuple[str, str, bool]] = []
        self.release = Event()

    def url(self, scheme: str = "smtp", login: str = "", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{login}{host}:{self.port}"

    def authenticate(
        self, _server: SMTP, session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.logins.append((data.login.decode(), data.password.decode(), session.ssl is not None))
        return AuthResult(success=data.password == b"s3cret-canary", handled=False)

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (aiosmtpd's)
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.seen.append(mail)
        self.envelopes.append(envelope)
        assert isinstance(server, _Protocol)
        answer = await server.apply_fault("body")
        if answer is None or answer.startswith("2"):
            self.mails.append(mail)
        return answer or "250 OK"


class _Protocol(SMTP):
    server: SmtpServer

    async def apply_fault(self, stage: str) -> str | None:
        """Apply the fault of this stage; return the response it dictates, if any."""
        trouble = self.server.trouble.get(stage)
        if trouble == "drop":
            assert isinstance(self.transport, asyncio.Transport)
            self.transport.abort()
            raise ConnectionResetError
        if trouble == "stall":
            await asyncio.Event().wait()
        if trouble == "drip":
            # The code comes in one piece: a response that ends within it would be read as complete.
            for part in chain([b"250-"], repeat(b"w", 500)):
                self._writer.write(part)
                await self._writer.drain()
                await asyncio.sleep(0.02)
        if trouble == "hold":
            await asyncio.get_running_loop().run_in_executor(None, self.server.release.wait, DEADLINE)
            return None
        return trouble

    async def _handle_client(self) -> None:
        try:
            answer = await self.apply_fault("connect")
        except ConnectionResetError:
            return
        if answer:
            await self.push(answer)
            self.transport.close()  # type: ignore[union-attr]  # there is one while a client talks
            return
        await super()._handle_client()


def _troubled(command: str) -> Callable[..., Any]:
    usual = getattr(SMTP, f"smtp_{command}")

    async def answer(self: _Protocol, arg: str | None) -> None:
        if instead := await self.apply_fault("EHLO" if command == "HELO" else command):
            await self.push(instead)
        else:
            await usual(self, arg)

    return answer


for _command in ("EHLO", "HELO", "MAIL", "RCPT", "DATA", "QUIT"):
    setattr(_Protocol, f"smtp_{_command}", _troubled(_command))


@contextmanager
def smtp_serving(tls: ssl.SSLContext | None = None, *, port: int = 0, **options: Any) -> Iterator[SmtpServer]:
    """The server, reachable while the block lasts. `tls` is from the first byte; options are aiosmtpd's."""
    server, loop = SmtpServer(**options), asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # a connection that is cut off is what tests are about

    connections: list[_Protocol] = []

    def protocol() -> _Protocol:
        usual: dict[str, Any] = {"hostname": "mail.example.com", "authenticator": server.authenticate}
        made = _Protocol(server, loop=loop, **(usual | server.options))
        made.server = server
        connections.append(made)
        return made

    async def listen() -> asyncio.Server:
        return await loop.create_server(protocol, "127.0.0.1", port, ssl=tls)

    listening = loop.run_until_complete(listen())
    server.port = listening.sockets[0].getsockname()[1]
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        asyncio.run_coroutine_threadsafe(_end(listening, connections), loop).result(DEADLINE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DEADLINE)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _end(listening: asyncio.Server, connections: list[_Protocol]) -> None:
    listening.close()
    for connection in connections:
        if isinstance(connection.transport, asyncio.Transport):
            connection.transport.abort()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
