"""Serving: a production WSGI server, and what development does before it serves."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import click
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from config import LOOPBACK_ONLY, ConfigurationError, Settings, is_loopback
from utils.database import POOL_SIZE
from utils.logs import configure_logging, logging_of_server
from utils.migrations import upgrade
from utils.services import Services

STOP_TIMEOUT = 10  # seconds that requests in flight have to finish
HEADER_TIMEOUT = 10  # seconds that a client has to send its headers
MAX_HEADERS = 32 * 1024


def application(create_app: Callable[[], Flask], db: SQLAlchemy) -> Flask:
    """The app for a serving process: a WSGI server's worker, or `flask run`."""
    command = click.get_current_context(silent=True)
    configure_logging(everything=command is None)
    app = create_app()
    if command is not None and command.info_name == "run":
        settings = settings_of(app)
        host = command.params.get("host") or settings.host
        if settings.flask_env == "development" and not is_loopback(host):
            raise ConfigurationError([LOOPBACK_ONLY])
        migrate_in_development(app, db)
    return app


def serve(app: Flask, db: SQLAlchemy) -> None:
    """Serve until SIGINT or SIGTERM; then finish what is in flight and stop."""
    from granian import Granian  # noqa: PLC0415  (not needed by those who bring their own server)
    from granian.constants import HTTPModes, Interfaces  # noqa: PLC0415
    from granian.http import HTTP1Settings  # noqa: PLC0415
    from granian.log import LogLevels  # noqa: PLC0415

    settings = settings_of(app)
    migrate_in_development(app, db)
    if not _can_listen(settings):
        sys.exit(f"Port {settings.port} on {settings.host} is taken or not allowed; set PORT to another one.")
    server = Granian(
        "app:app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=settings.web_concurrency,
        blocking_threads=POOL_SIZE,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT * 1000, max_buffer_size=MAX_HEADERS),
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_TIMEOUT,
        log_dictconfig=logging_of_server(),
        log_level=LogLevels.error,
        working_dir=Path(app.root_path),
    )
    server.on_startup(lambda: print(banner(settings), flush=True))  # noqa: T201  (meant for the terminal)
    server.serve()


def migrate_in_development(app: Flask, db: SQLAlchemy) -> None:
    """Bring a development database up to date. Elsewhere `flask db upgrade` is a step of the release."""
    if settings_of(app).flask_env != "development":
        return
    with app.app_context():
        upgrade(db.engine)
        db.engine.dispose()  # no connection may be carried into a worker


def settings_of(app: Flask) -> Settings:
    found: Services = app.extensions["auth_services"]
    return found.settings


def _can_listen(settings: Settings) -> bool:
    """Whether the address is free; asked beforehand, for a sentence instead of a traceback."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            return False
    return True


def banner(settings: Settings) -> str:
    """Where it listens, where the API is described, and a line to try."""
    url = settings.public_url
    workers = f"{settings.web_concurrency} worker{'s' if settings.web_concurrency > 1 else ''}"
    lines = [f"Serving on {url} ({settings.flask_env}, {workers}, pid {os.getpid()})"]
    if settings.docs_enabled:
        lines.append(f"API description: {url}/openapi.json")
    lines += [
        "Try it:",
        f"  curl {url}/auth/register -H 'Content-Type: application/json' \\",
        """    -d '{"username": "ada", "email": "ada@example.com", "password": "correct horse battery"}'""",
        "Ctrl-C stops it.",
    ]
    return "\n".join(lines)
