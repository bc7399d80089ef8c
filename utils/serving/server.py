"""Serving: a production WSGI server, and what development does before it serves."""

import errno
import importlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event, Thread

import click
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from config import LOOPBACK_ONLY, ConfigurationError, Settings, environment, is_loopback, misspelt
from utils.database.engine import POOL_SIZE
from utils.database.migrations import schema_is_outdated, upgrade
from utils.limits.refusal_delay import MAX_DELAYED
from utils.observability.logs import configure_logging, disable_access_log, server_log_config
from utils.observability.metrics import shared_between_workers
from utils.passwords.hash_limiter import MAX_WAITING
from utils.services import Services

# Of a worker: as many as have something to do with the database, those that wait for a hash, and
# those that are held before they are refused.
THREADS = POOL_SIZE + MAX_WAITING + MAX_DELAYED
STOP_TIMEOUT = 10  # seconds that requests in flight have to finish
HEADER_TIMEOUT = 10  # seconds that a client has to send its headers
MAX_HEADERS = 32 * 1024
PARENT_POLL = 1  # seconds between two looks of a worker at its parent


def application(create_app: Callable[[], Flask], db: SQLAlchemy) -> Flask:
    """The app for a serving process: a WSGI server's worker, or `flask run`."""
    command = click.get_current_context(silent=True)
    configure_logging(all_loggers=command is None)
    if command is None or command.info_name != "run":
        return create_app()
    disable_access_log()
    # Flask's own server listens where its options say; the public address must say the same.
    os.environ["PORT"] = str(command.params["port"])
    app = create_app()
    prepare(app, db, command.params["host"])
    return app


def prepare(app: Flask, db: SQLAlchemy, host: str) -> None:
    """What comes before serving on `host`. Ends with a sentence where that cannot work."""
    settings = settings_of(app)
    for given, meant in misspelt(environment()).items():
        click.echo(f"{given} is no setting. Is {meant} meant?", err=True)
    if settings.production and not settings.rate_limit_enabled:
        click.echo(
            "Rate limits are off (RATE_LIMIT_ENABLED): everybody may guess as often as they like.", err=True
        )
    if settings.production and not settings.mail_url:
        click.echo(
            "Mails go nowhere (MAIL_URL): nobody can confirm an address or get a new password.", err=True
        )
    if settings.testing:
        raise ConfigurationError(["FLASK_ENV=testing is for tests: its database is empty and in memory."])
    if settings.flask_env == "development" and not is_loopback(host):
        raise ConfigurationError([LOOPBACK_ONLY])
    try:
        with app.app_context():
            if settings.flask_env == "development":
                upgrade(db.engine)
            else:
                _warn_of_old_schema(db)
            db.engine.dispose()  # no connection may be carried into a worker
    except (SQLAlchemyError, OSError) as problem:
        sys.exit(
            f"The database of DATABASE_URI cannot be opened ({type(problem).__name__}): does its server run "
            "and let this user in, or, for SQLite, is the folder there and writable?"
        )


def _warn_of_old_schema(db: SQLAlchemy) -> None:
    """Elsewhere than in development nobody migrates unasked: it is a step of the release."""
    with db.engine.connect() as connection:
        if schema_is_outdated(connection):
            click.echo("The database lacks migrations; run: flask --app app db upgrade", err=True)


def serve(create_app: Callable[[], Flask], db: SQLAlchemy) -> None:
    """Serve until SIGINT or SIGTERM; then finish what is in flight and stop."""
    with shared_between_workers():
        _serve(create_app(), db)


def _serve(app: Flask, db: SQLAlchemy) -> None:
    from granian import Granian  # noqa: PLC0415  (not needed by those who bring their own server)
    from granian.constants import HTTPModes, Interfaces  # noqa: PLC0415
    from granian.http import HTTP1Settings  # noqa: PLC0415
    from granian.log import LogLevels  # noqa: PLC0415

    settings = settings_of(app)
    prepare(app, db, settings.host)
    if fault := _bind_fault(settings):
        sys.exit(fault)
    server = Granian(
        "app:app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=settings.web_concurrency,
        blocking_threads=THREADS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT * 1000, max_buffer_size=MAX_HEADERS),
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_TIMEOUT,
        log_dictconfig=server_log_config(),
        log_level=LogLevels.error,
        working_dir=Path(app.root_path),
    )
    with app.app_context():
        database = db.engine.url
    server.on_startup(lambda: click.echo(banner(settings, database)))
    # Each worker leaves the terminal's process group at birth, so that Ctrl-C reaches the parent
    # alone: a worker that began to stop by itself would be waited for in vain.
    os.register_at_fork(after_in_child=os.setpgrp)
    server.serve(target_loader=partial(_load_in_worker, os.getpid()))


def _load_in_worker(parent: int, target: str) -> Flask:
    """The app, in a worker process.

    It watches its parent, and does not live on holding the port when that was killed.
    """
    if os.getppid() != parent:
        sys.exit(1)
    Thread(target=_watch_parent, args=[parent], name="parent-watch", daemon=True).start()
    module, _, name = target.partition(":")
    app: Flask = getattr(importlib.import_module(module), name)
    _services_of(app).delivery.start()  # mails may be waiting since another process ended
    return app


def _watch_parent(parent: int) -> None:
    """Stop this process in the orderly way once its parent is gone, and in the other way if that fails.

    It asks instead of having a signal sent: one that comes before the server listens to it is lost.
    """
    nothing = Event()
    while os.getppid() == parent:
        nothing.wait(PARENT_POLL)
    os.kill(os.getpid(), signal.SIGTERM)
    nothing.wait(STOP_TIMEOUT)
    os._exit(1)


def settings_of(app: Flask) -> Settings:
    return _services_of(app).settings


def _services_of(app: Flask) -> Services:
    found: Services = app.extensions["auth_services"]
    return found


def _bind_fault(settings: Settings) -> str | None:
    """What keeps it from listening; asked beforehand, for a sentence instead of a traceback."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as problem:
            if isinstance(problem, socket.gaierror) or problem.errno == errno.EADDRNOTAVAIL:
                return f"{settings.host} is no address of this machine; set HOST to one."
            return (
                f"Port {settings.port} on {settings.host} is taken or not allowed; set PORT to another one."
            )
    return None


def banner(settings: Settings, database: URL) -> str:
    """Where it listens, on what database, and in development where to go from here."""
    host = "localhost" if is_loopback(settings.host) else settings.host
    local = f"http://{host}:{settings.port}"
    workers = f"{settings.web_concurrency} worker{'s' if settings.web_concurrency > 1 else ''}"
    public = "" if settings.public_url == local else f", for {settings.public_url}"
    lines = [f"Serving on {local}{public} ({settings.flask_env}, {workers}, pid {os.getpid()})"]
    lines += [f"Database: {database.set(username=None, password=None, query={})}"]
    if settings.pages_enabled:
        lines += [f"Screens: {settings.public_url}/"]
    if settings.flask_env == "development" and (settings.mail_url or "").startswith("file:"):
        lines += [f"Mails are written to {(settings.mail_url or '').removeprefix('file:')}/"]
    if settings.docs_enabled:
        lines += [f"API page: {local}/docs (made from {local}/openapi.json)"]
    if settings.flask_env == "development":
        body = '{"username": "ada", "email": "ada@example.com", "password": "correct horse battery"}'
        json_type = "-H 'Content-Type: application/json'"
        lines += ["Try it:", f"  curl {local}/auth/register {json_type} \\", f"    -d '{body}'"]
    return "\n".join([*lines, "Ctrl-C stops it."])
