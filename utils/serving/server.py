"""The production WSGI server (granian), and the checks before serving."""

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

from config import ConfigurationError, Settings, environment, is_loopback, misspelt
from config_checks import LOOPBACK_ONLY
from utils.database.engine import POOL_SIZE
from utils.database.migrations import schema_is_outdated, upgrade
from utils.limits.refusal_delay import MAX_DELAYED
from utils.observability.logs import configure_logging, disable_access_log, server_log_config
from utils.observability.metrics import shared_between_workers
from utils.passwords.hash_limiter import MAX_WAITING
from utils.services import Services

# Threads of a worker: for requests with a database connection, for requests that wait for a hash, and for
# delayed refusals.
THREADS = POOL_SIZE + MAX_WAITING + MAX_DELAYED
STOP_TIMEOUT = 10  # seconds for requests in flight to finish
HEADER_TIMEOUT = 10  # seconds for a client to send its headers
MAX_HEADERS = 32 * 1024
PARENT_POLL = 1  # seconds between the checks of a worker for its parent


def application(create_app: Callable[[], Flask], db: SQLAlchemy) -> Flask:
    """Return the app for a serving process: a worker of a WSGI server, or `flask run`."""
    command = click.get_current_context(silent=True)
    configure_logging(all_loggers=command is None)
    if command is None or command.info_name != "run":
        return create_app()
    disable_access_log()
    # `flask run` takes the port from its options; PUBLIC_URL is derived from PORT.
    os.environ["PORT"] = str(command.params["port"])
    app = create_app()
    prepare(app, db, command.params["host"])
    return app


def prepare(app: Flask, db: SQLAlchemy, host: str) -> None:
    """Check settings and database before serving on `host`. Exits with a message if serving is impossible."""
    settings = settings_of(app)
    for given, meant in misspelt(environment()).items():
        click.echo(f"{given} is not a setting. Did you mean {meant}?", err=True)
    if settings.production and not settings.rate_limit_enabled:
        click.echo(
            "Rate limits are off (RATE_LIMIT_ENABLED): there is no protection against brute force.", err=True
        )
    if settings.production and not settings.mail_url:
        click.echo(
            "MAIL_URL is not set: no mail is sent, so addresses cannot be confirmed nor passwords reset.",
            err=True,
        )
    if settings.has_idle_challenge:
        click.echo(
            "PROOF_OF_WORK or CHALLENGE_URL is set, and no ceiling asks for it: "
            "set REGISTRATION_CEILING or UNPROVEN_MAIL_CEILING.",
            err=True,
        )
    if warning := _address_warning(settings):
        click.echo(warning, err=True)
    if settings.testing:
        raise ConfigurationError(["FLASK_ENV=testing cannot be served: its database is in memory."])
    if settings.flask_env == "development" and not is_loopback(host):
        raise ConfigurationError([LOOPBACK_ONLY])
    try:
        with app.app_context():
            if settings.flask_env == "development":
                upgrade(db.engine)
            else:
                _warn_of_old_schema(db)
            db.engine.dispose()  # workers must not inherit connections
    except (SQLAlchemyError, OSError) as problem:
        sys.exit(
            f"The database of DATABASE_URI cannot be opened ({type(problem).__name__}). Check that its "
            "server is running and accepts this user or, for SQLite, that the folder exists and is writable."
        )


def _address_warning(settings: Settings) -> str | None:
    """Return what to check where a client may choose its address by another spelling of the header."""
    header = settings.client_address_header
    if not settings.production or not settings.trusted_proxies or "-" not in header:
        return None
    return (
        f"CLIENT_ADDRESS_HEADER is {header}: clients choose their address if the proxy passes "
        f"{header.replace('-', '_')} on. Check: flask --app app auth doctor --probe {settings.public_url}"
    )


def _warn_of_old_schema(db: SQLAlchemy) -> None:
    """Warn about missing migrations. Outside development, applying them is a step of the release."""
    with db.engine.connect() as connection:
        if schema_is_outdated(connection):
            click.echo("The database lacks migrations. Run: flask --app app db upgrade", err=True)


def serve(create_app: Callable[[], Flask], db: SQLAlchemy) -> None:
    """Serve until SIGINT or SIGTERM; then finish the requests in flight and stop."""
    with shared_between_workers():
        _serve(create_app(), db)


def _serve(app: Flask, db: SQLAlchemy) -> None:
    from granian import Granian  # noqa: PLC0415  (not needed with another WSGI server)
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
    # Workers leave the process group of the terminal, so that Ctrl-C reaches the parent only: the parent
    # would wait in vain for a worker that stops by itself.
    os.register_at_fork(after_in_child=os.setpgrp)
    server.serve(target_loader=partial(_load_in_worker, os.getpid()))


def _load_in_worker(parent: int, target: str) -> Flask:
    """Return the app in a worker process, which exits if its parent was killed, to free the port."""
    if os.getppid() != parent:
        sys.exit(1)
    Thread(target=_watch_parent, args=[parent], name="parent-watch", daemon=True).start()
    module, _, name = target.partition(":")
    app: Flask = getattr(importlib.import_module(module), name)
    _services_of(app).delivery.start()  # mails may be waiting in the outbox
    _services_of(app).pruning.start()
    _services_of(app).notices.serve()
    return app


def _watch_parent(parent: int) -> None:
    """Stop this process when its parent has ended: by SIGTERM, or by exiting if that fails.

    It polls, because a signal (PR_SET_PDEATHSIG) that arrives before the server handles it would be lost.
    """
    never_set = Event()
    while os.getppid() == parent:
        never_set.wait(PARENT_POLL)
    os.kill(os.getpid(), signal.SIGTERM)
    never_set.wait(STOP_TIMEOUT)
    os._exit(1)


def settings_of(app: Flask) -> Settings:
    return _services_of(app).settings


def _services_of(app: Flask) -> Services:
    found: Services = app.extensions["auth_services"]
    return found


def _bind_fault(settings: Settings) -> str | None:
    """Return why the address cannot be bound, or None. Gives a message instead of a traceback."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as problem:
            if isinstance(problem, socket.gaierror) or problem.errno == errno.EADDRNOTAVAIL:
                return f"{settings.host} is not an address of this machine. Set HOST to one."
            return f"Port {settings.port} on {settings.host} is in use or not permitted. Set another PORT."
    return None


def banner(settings: Settings, database: URL) -> str:
    """Return the text at start: address, database, and in development an example call."""
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
